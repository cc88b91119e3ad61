// <ch-boxes>: the question kind `boxes`: boxes around things in an image, each with a label.
import { define } from "./element.ts";
import { clamp } from "./marks/geometry.ts";
import type { Point } from "./marks/geometry.ts";
import { MarksElement } from "./marks/marks_element.ts";
import { boxBetween, boxShape } from "./marks/shapes.ts";

/** The part of what can be seen that a box made by keyboard takes. */
const SHARE = 0.25;

export class BoxesElement extends MarksElement {
  readonly shape = boxShape;
  readonly dragDraws = true;

  override get help(): string {
    if (this.panning) return "Drag to move the image";
    return this.chosen >= 0 ? "" : "Drag from corner to corner";
  }

  override begin(): void {
    const { view, size } = this;
    if (view === null || size === null || this.full()) return;
    const side = (whole: number, seen: number) => Math.max(view.step, this.snap(Math.min(whole, seen) * SHARE));
    const width = side(size.width, view.stage.width / view.zoom);
    const height = side(size.height, view.stage.height / view.zoom);
    const place = (middle: number, length: number, whole: number) => clamp(this.snap(middle - length / 2), 0, whole - length);
    const [left, top] = [place(view.middle[0], width, size.width), place(view.middle[1], height, size.height)];
    this.add([[left, top], [left + width, top + height]], "key");
    this.focusChosen();
  }

  override drawn(from: Point, to: Point): void {
    if (this.marks.length >= this.most) return;
    const points = boxBetween(this.pixel(from), this.pixel(to));
    const label = this.labels.length === 1 ? (this.labels[0]?.value ?? "") : this.nextLabel;
    this.live = [...this.marks, { label, points }];
    this.chosen = this.marks.length;
    this.requestUpdate();
  }

  override settle(): void {
    const { live } = this;
    const fresh = live && live.length > this.marks.length ? live.at(-1) : undefined;
    if (fresh === undefined) {
      if (live === null) this.full();
      super.settle();
      return;
    }
    this.live = null;
    const [[left, top], [right, bottom]] = fresh.points as readonly [Point, Point];
    if (right > left && bottom > top) this.add(fresh.points, "pointer");
    else this.choose(-1);
    this.focusChosen();
  }

  override cancel(): void {
    if (this.live && this.live.length > this.marks.length) this.chosen = -1;
    super.cancel();
  }

  override tapped(at: Point): void {
    this.pick(at);
  }
}

define("ch-boxes", BoxesElement);

declare global {
  interface HTMLElementTagNameMap {
    "ch-boxes": BoxesElement;
  }
}
