// What <ch-boxes> and <ch-polygons> share: the image on its stage, zoom and pan, the pointer's and the keyboard's work.
import { html } from "lit";
import type { PropertyValues, TemplateResult } from "lit";
import type { Json } from "../element.ts";
import { boundsOf, clamp, contains, distance, edgeDistance, within } from "./geometry.ts";
import type { Mark, Point } from "./geometry.ts";
import { resizeByKey, useMarksKey } from "./keys.ts";
import { MarksAnswer } from "./marks_answer.ts";
import { footOf, showRow, sideOf, toolsOf } from "./panel.ts";
import { Pointers } from "./pointers.ts";
import type { Board } from "./pointers.ts";
import { hasRoom, stageOf } from "./stage.ts";
import { View } from "./view.ts";

const EDGE_REACH = 6;
const STILL = 3;
const SHARP_FROM = 4;

export abstract class MarksElement extends MarksAnswer implements Board {
  abstract readonly dragDraws: boolean;
  view: View | null = null;
  /** The Pan button is on; or the space bar is held. */
  panOn = false;
  spaceHeld = false;
  /** Where the next point of an outline would be, and whether the keyboard moves it. */
  tip: Point | null = null;
  crosshair = false;
  cursor = "draw";
  readonly pointers = new Pointers(this, () => this.stage);
  private shownItem: unknown = null;
  private hadFocus = false;
  private hoveredAt: Point | null = null;
  private given: Json = null;
  private watcher: ResizeObserver | undefined;

  /** Makes a new mark by keyboard or button. */
  abstract begin(): void;
  abstract tapped(at: Point, how: { fresh: boolean; reach: number }): void;
  /** The shape's own line of help, and its own keys. */
  abstract get help(): string;

  get panning(): boolean {
    return this.panOn || this.spaceHeld;
  }

  get clicksDraw(): boolean {
    return this.sketch !== null;
  }

  get stage(): HTMLElement | null {
    return this.querySelector<HTMLElement>(".marks-stage");
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.ownerDocument.addEventListener("keyup", this.onKeyUp);
    this.addEventListener("keydown", this.onAltKey);
    if (typeof ResizeObserver === "function") this.watcher = new ResizeObserver(() => this.measure());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.ownerDocument.removeEventListener("keyup", this.onKeyUp);
    this.removeEventListener("keydown", this.onAltKey);
    this.watcher?.disconnect();
  }

  override focus(options?: FocusOptions): void {
    this.stage?.focus({ preventScroll: true, ...options });
  }

  /** Puts the keyboard on the chosen mark, else on the stage. */
  focusChosen(): void {
    void this.updateComplete.then(() => {
      const mark = this.querySelector<SVGElement>(`.mark[data-index="${this.chosen}"]`);
      (mark ?? this.stage)?.focus({ preventScroll: true });
    });
  }

  imageCame(image: HTMLImageElement): void {
    const { naturalWidth: width, naturalHeight: height } = image;
    if (width === 0 || height === 0) return this.imageFailed();
    this.size = { width, height };
    this.view = null;
    this.measure();
  }

  imageFailed(): void {
    this.failed = true;
    this.requestUpdate();
  }

  look(view: View): void {
    this.view = view;
    this.requestUpdate();
  }

  zoom(factor: number): void {
    if (this.view) this.look(this.view.zoomed(factor));
  }

  fit(): void {
    if (this.view) this.look(View.fitting(this.view.image, this.view.stage));
  }

  handleAt(at: Point, reach: number): number {
    const { view, shown, chosen, shape } = this;
    const mark = shown[chosen];
    if (mark === undefined || view === null) return -1;
    const outline = shape.outline(mark.points).map((point) => view.toScreen(point));
    const { left, top, right, bottom } = boundsOf(outline);
    // In a small mark there must be room left to take hold of the mark itself.
    const within = clamp(Math.min(right - left, bottom - top) / 3, 7, reach);
    const far = shape.handles(mark.points).map(({ at: place, edge }) =>
      // The ends of an edge come before what stands in its middle.
      hasRoom(outline, edge) ? distance(view.toScreen(place), at) + (edge === undefined ? 0 : 3) : Infinity,
    );
    const nearest = far.indexOf(Math.min(...far));
    return (far[nearest] ?? Infinity) <= within ? nearest : -1;
  }

  overChosen(at: Point): boolean {
    const mark = this.shown[this.chosen];
    return mark !== undefined && this.touches(mark, at);
  }

  /** The mark that a click chooses: the smallest there, or the next larger when that is chosen already. */
  markAt(at: Point): number {
    const area = (mark: Mark) => {
      const { left, top, right, bottom } = boundsOf(mark.points);
      return (right - left) * (bottom - top);
    };
    const there = this.shown.map((mark, index) => ({ mark, index })).filter(({ mark }) => this.touches(mark, at));
    there.sort((one, other) => area(one.mark) - area(other.mark));
    const now = there.findIndex(({ index }) => index === this.chosen);
    return there[(now + 1) % there.length]?.index ?? -1;
  }

  drawn(_from: Point, _to: Point): void {}

  dragged(from: Point, to: Point): void {
    const mark = this.marks[this.chosen];
    const { view, size } = this;
    if (mark === undefined || view === null || size === null) return;
    const by = ([0, 1] as const).map((axis) => this.snap((to[axis] - from[axis]) / view.zoom)) as [number, number];
    const { left, top, right, bottom } = boundsOf(mark.points);
    const dx = clamp(by[0], -left, size.width - right);
    const dy = clamp(by[1], -top, size.height - bottom);
    this.preview(mark.points.map(([x, y]) => [x + dx, y + dy]));
  }

  pulled(handle: number, to: Point): void {
    const mark = this.marks[this.chosen];
    const { size, view } = this;
    if (mark === undefined || size === null || view === null) return;
    const result = this.shape.pulled(mark.points, { handle, to: this.pixel(to), size, least: view.step });
    this.preview(result.points);
  }

  settle(): void {
    const { live } = this;
    this.live = null;
    const points = live?.[this.chosen]?.points;
    if (points) this.change(points, "pointer");
    this.focusChosen();
  }

  cancel(): void {
    this.live = null;
    this.requestUpdate();
  }

  hover(at: Point | null): void {
    const still = at === null || (this.hoveredAt !== null && distance(this.hoveredAt, at) < STILL);
    if (!still) this.hoveredAt = at;
    // A mouse that nobody moves does not take the cross from the keyboard.
    if (this.sketch !== null && !(this.crosshair && still)) {
      this.tip = at && this.pixel(at);
      this.crosshair = false;
    }
    const handle = at === null || this.sketch ? -1 : this.handleAt(at, 9);
    const mark = this.shown[this.chosen];
    const pull = mark && this.shape.handles(mark.points)[handle]?.cursor;
    this.cursor = pull ?? (at && !this.sketch && this.overChosen(at) ? "move" : "draw");
    this.requestUpdate();
  }

  /** A place of the stage as a point of the image, in the step in which is drawn. */
  pixel(at: Point): Point {
    const { view, size } = this;
    if (view === null || size === null) return at;
    const [x, y] = view.toImage(at);
    return within([this.snap(x), this.snap(y)], size);
  }

  /** Chooses what has been clicked, and puts the keyboard there. */
  protected pick(at: Point): number {
    const index = this.markAt(at);
    this.choose(index);
    this.focusChosen();
    return index;
  }

  protected snap(value: number): number {
    const step = this.view?.step ?? 1;
    return Number((Math.round(value / step) * step).toFixed(2));
  }

  protected override useKey(event: KeyboardEvent, inside: boolean): boolean {
    return useMarksKey(this, event, inside);
  }

  protected override anchor(): HTMLElement | undefined {
    return this.stage ?? undefined;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    this.hadFocus = this.contains(this.ownerDocument.activeElement);
    if (changed.has("item") && this.item?.id !== this.shownItem) this.showOther(changed.get("item")?.image_url);
    if (changed.has("value") && this.value !== this.given) {
      this.given = this.value;
      this.forget();
    }
  }

  protected override give(value: Json, by: "key" | "pointer" | "arrow" | "typing"): void {
    this.given = value;
    super.give(value, by);
  }

  protected override updated(changed: PropertyValues<this>): void {
    super.updated(changed);
    const { view, stage, watcher } = this;
    if (stage) watcher?.observe(stage);
    showRow(this);
    // The mark that had the keyboard is gone: work goes on where it was.
    if (this.hadFocus && !this.contains(this.ownerDocument.activeElement)) this.focus();
    const image = this.querySelector<HTMLImageElement>(".marks-image");
    if (view === null || image === null) return;
    // By the object model: a style attribute would be refused by the page's policy.
    image.style.width = `${view.image.width}px`;
    image.style.height = `${view.image.height}px`;
    image.style.transform = `matrix(${view.zoom}, 0, 0, ${view.zoom}, ${view.left}, ${view.top})`;
    image.classList.toggle("pixels", view.zoom >= SHARP_FROM);
  }

  protected override render(): TemplateResult {
    const { item } = this;
    return html`<div class="marks ${this.disabled ? "resting" : ""}">
      <div class="marks-main">
        ${item?.text ? html`<p class="marks-text" dir="auto">${item.text}</p>` : ""}
        ${toolsOf(this)}${stageOf(this)}${footOf(this)}
      </div>
      ${sideOf(this)}
    </div>`;
  }

  /** Shows other points of the chosen mark, before they are given. */
  private preview(points: readonly Point[]): void {
    this.live = this.marks.map((mark, index) => (index === this.chosen ? { ...mark, points } : mark));
    this.requestUpdate();
  }

  private touches(mark: Mark, at: Point): boolean {
    const { view } = this;
    if (view === null) return false;
    const outline = this.shape.outline(mark.points).map((point) => view.toScreen(point));
    return contains(outline, at) || edgeDistance(outline, at) <= EDGE_REACH;
  }

  private showOther(imageBefore: string | null | undefined): void {
    this.shownItem = this.item?.id;
    this.pointers.stop();
    this.forget();
    this.nextLabel = "";
    this.tip = null;
    this.crosshair = false;
    if (this.item?.image_url === imageBefore) return;
    this.size = this.view = null;
    this.failed = !this.item?.image_url;
  }

  private measure(): void {
    const { stage, size } = this;
    const box = stage?.getBoundingClientRect();
    if (!box || size === null) return this.requestUpdate();
    const room = { width: stage?.clientWidth || box.width, height: stage?.clientHeight || box.height };
    this.look(this.view ? this.view.onStage(room) : View.fitting(size, room));
  }

  private readonly onKeyUp = (event: KeyboardEvent): void => {
    if (event.key !== " " || !this.spaceHeld) return;
    this.spaceHeld = false;
    this.requestUpdate();
  };

  private readonly onAltKey = (event: KeyboardEvent): void => {
    if (!this.disabled && resizeByKey(this, event)) event.preventDefault();
  };
}
