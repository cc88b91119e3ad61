// <ch-polygons>: the question kind `polygons`: outlines around things in an image, each with a label.
import { define } from "./element.ts";
import { distance, FEWEST_POINTS, moved } from "./marks/geometry.ts";
import type { Point } from "./marks/geometry.ts";
import type { OwnKeys } from "./marks/keys.ts";
import { MarksElement } from "./marks/marks_element.ts";
import { polygonShape } from "./marks/shapes.ts";

const SAME_PLACE = 4;
const STEPS: Readonly<Record<string, Point>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export class PolygonsElement extends MarksElement implements OwnKeys {
  readonly shape = polygonShape;
  readonly dragDraws = false;

  override get help(): string {
    const points = this.sketch?.length ?? 0;
    if (this.sketch !== null && this.crosshair) return "Arrows move the cross, Space sets a point, Enter closes";
    if (points >= FEWEST_POINTS) return "Close it on the first point";
    if (this.sketch !== null) return "Set the next point";
    if (this.panning) return "Drag to move the image";
    return this.chosen >= 0 ? "" : "Click the corners one by one";
  }

  /** Begins an outline with a cross in the middle of the view, which the arrow keys move. */
  override begin(): void {
    if (this.view === null || this.full()) return;
    const [x, y] = this.view.middle;
    this.choose(-1);
    this.sketch = [];
    this.tip = [this.snap(x), this.snap(y)];
    this.crosshair = true;
    this.focus();
    this.say("A cross stands in the middle: arrows move it, Space sets a point, Enter closes the outline");
  }

  override tapped(at: Point, { fresh, reach }: { fresh: boolean; reach: number }): void {
    if (this.sketch !== null) {
      this.extend(at, reach);
      return;
    }
    const handle = this.handleAt(at, reach);
    const count = this.marks[this.chosen]?.points.length ?? 0;
    if (handle >= 0 && handle < count) this.choose(this.chosen, handle);
    else if (handle >= 0) this.insert(handle - count);
    else if ((fresh || this.markAt(at) < 0) && !this.full()) this.start(at);
    else this.pick(at);
  }

  /** Closes the outline that is being drawn; false when it has too few points. */
  close(by: "key" | "pointer"): boolean {
    const { sketch } = this;
    if (sketch === null || sketch.length < FEWEST_POINTS) {
      this.say("An outline has three points at least");
      return false;
    }
    this.drop();
    this.add(sketch, by);
    this.focusChosen();
    return true;
  }

  /** Gives up the outline that is being drawn. */
  drop(): void {
    this.sketch = this.tip = null;
    this.crosshair = false;
    this.requestUpdate();
  }

  /** Makes a point in the middle of an edge, and chooses it. */
  insert(edge: number): void {
    const mark = this.marks[this.chosen];
    if (mark === undefined) return;
    const at = this.shape.handles(mark.points)[mark.points.length + edge]?.at;
    if (at === undefined) return;
    this.change([...mark.points.slice(0, edge + 1), at, ...mark.points.slice(edge + 1)], "key");
    this.choose(this.chosen, edge + 1);
    this.focusChosen();
  }

  /** Chooses the next or the previous point of the chosen outline. */
  turnTo(step: 1 | -1): void {
    const count = this.marks[this.chosen]?.points.length ?? 0;
    if (count === 0) return;
    const from = this.corner < 0 && step < 0 ? 0 : this.corner;
    this.choose(this.chosen, (from + step + count) % count);
    this.say(this.placeOf(this.chosen));
  }

  useOwnKey(event: KeyboardEvent): boolean {
    return this.sketch === null ? this.usePointKey(event) : this.useSketchKey(event, this.sketch);
  }

  override undo(): boolean {
    const drawing = this.sketch !== null;
    const done = super.undo();
    if (drawing && this.sketch === null) this.drop();
    return done;
  }

  /** Enter closes an outline that has been begun, wherever the focus is. */
  protected override requestSubmit(): void {
    if (this.sketch === null) super.requestSubmit();
    else this.close("key");
  }

  private useSketchKey(event: KeyboardEvent, sketch: readonly Point[]): boolean {
    const step = STEPS[event.key];
    if (step) this.moveCross(step, event.shiftKey ? 10 : 1);
    else if (event.key === "Enter") this.close("key");
    else if (event.key === "Escape") this.drop();
    else if (event.key === "Delete" || event.key === "Backspace") this.undo();
    else if (event.key === " " && this.crosshair && this.tip) this.grow(this.tip, sketch);
    else return event.key.toLowerCase() === "b";
    return true;
  }

  private usePointKey(event: KeyboardEvent): boolean {
    if (this.marks[this.chosen] === undefined) return false;
    if (event.key === ".") this.turnTo(1);
    else if (event.key === ",") this.turnTo(-1);
    else if (event.key.toLowerCase() === "a" && this.corner >= 0) this.insert(this.corner);
    else return false;
    return true;
  }

  private moveCross(step: Point, far: number): void {
    const { size, view } = this;
    const from = this.tip ?? this.sketch?.at(-1) ?? view?.middle;
    if (size === null || view === null || from === undefined) return;
    this.crosshair = true;
    this.tip = moved([from], [step[0] * far, step[1] * far], size)[0] ?? null;
    if (this.tip) this.look(view.showing(this.tip));
  }

  private start(at: Point): void {
    this.choose(-1);
    this.sketch = [this.pixel(at)];
    this.tip = null;
    this.requestUpdate();
  }

  private extend(at: Point, reach: number): void {
    const { sketch, view } = this;
    if (sketch === null || view === null) return;
    const [first, last] = [sketch[0], sketch.at(-1)];
    const nearFirst = first !== undefined && distance(view.toScreen(first), at) <= reach;
    const onLast = last !== undefined && distance(view.toScreen(last), at) <= SAME_PLACE;
    // A double click's second one falls on the last point.
    if ((nearFirst || onLast) && sketch.length >= FEWEST_POINTS) this.close("pointer");
    else if (!onLast) this.grow(this.pixel(at), sketch);
  }

  private grow(point: Point, sketch: readonly Point[]): void {
    const first = sketch[0];
    if (first && sketch.length >= FEWEST_POINTS && distance(first, point) === 0) {
      this.close("key");
      return;
    }
    this.sketch = [...sketch, point];
    this.say(`Point ${this.sketch.length} set`);
  }
}

define("ch-polygons", PolygonsElement);

declare global {
  interface HTMLElementTagNameMap {
    "ch-polygons": PolygonsElement;
  }
}
