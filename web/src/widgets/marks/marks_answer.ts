// An answer made of marks on an image: what it holds, which mark is chosen, its steps, and what it still lacks.
import { AnswerElement } from "../element.ts";
import type { AnswerDetail, Json } from "../element.ts";
import { boundsOf, moved } from "./geometry.ts";
import type { Mark, Point, Size } from "./geometry.ts";
import { History } from "./history.ts";
import { labelsOf, nameOf } from "./labels.ts";
import type { Label } from "./labels.ts";
import { Scale } from "./scale.ts";
import type { Shape } from "./shapes.ts";

const MOST_POINTS = 500;
const MOST_POINTS_IN_ALL = 5000;

export abstract class MarksAnswer extends AnswerElement {
  abstract readonly shape: Shape;
  /** The original image's size; null until it is there. */
  size: Size | null = null;
  failed = false;
  /** The chosen mark, and the chosen point of its outline; -1 for none. */
  chosen = -1;
  corner = -1;
  /** What is being moved or drawn, before it is given. */
  live: readonly Mark[] | null = null;
  /** The points so far of an outline that is being drawn. */
  sketch: readonly Point[] | null = null;
  /** What new marks are called, once the person has said it: no label is offered before. */
  nextLabel = "";
  /** What a screen reader is told. */
  said = "";
  protected readonly history = new History<Json>();
  private known: { value: Json; size: Size | null; marks: readonly Mark[] } = { value: null, size: null, marks: [] };

  get labels(): Label[] {
    return labelsOf(this.question);
  }

  get scale(): Scale | null {
    return this.size && new Scale(this.question?.["unit"], this.size);
  }

  /** The marks as they are given, in pixels of the image. */
  get marks(): readonly Mark[] {
    const { value, size, scale } = this;
    if (this.known.value !== value || this.known.size !== size) {
      const parts = Array.isArray(value) && scale !== null ? value.map((part) => this.shape.read(part, scale)) : [];
      this.known = { value, size, marks: parts.filter((mark) => mark !== null) };
    }
    return this.known.marks;
  }

  /** The marks as they are on the screen. */
  get shown(): readonly Mark[] {
    return this.live ?? this.marks;
  }

  get most(): number {
    return Number(this.question?.["max_count"] ?? Infinity);
  }

  get least(): number {
    return Number(this.question?.["min_count"] ?? 0);
  }

  override missing(): string {
    const { noun, nouns } = this.shape;
    const { marks, least, scale } = this;
    if (this.failed) return "The image could not be loaded: reload the page, or say that it can’t be answered";
    if (scale === null) return "One moment, the image is on its way";
    if (this.sketch !== null) return "Finish the outline first, or press Esc to drop it";
    if (marks.length < least) return `Draw ${least === 1 ? `one ${noun}` : `${least} ${nouns}`} at least`;
    if (this.value === null) return `Draw a${noun === "outline" ? "n" : ""} ${noun}, or say that there is nothing to mark`;
    const nameless = marks.findIndex(({ label }) => !this.labels.some(({ value }) => value === label));
    if (nameless >= 0) return `Give ${noun} ${nameless + 1} a label first`;
    return this.fault(marks, scale);
  }

  override undo(): boolean {
    if (this.sketch !== null) {
      this.sketch = this.sketch.length > 1 ? this.sketch.slice(0, -1) : null;
      this.requestUpdate();
      return true;
    }
    return this.step(this.history.back(this.value), "Taken back");
  }

  override redo(): boolean {
    return this.sketch === null && this.step(this.history.forth(this.value), "Done again");
  }

  choose(index: number, corner = -1): void {
    if (this.chosen === index && this.corner === corner) return;
    this.chosen = index;
    this.corner = corner;
    this.requestUpdate();
  }

  /** Adds a mark and chooses it; false when there may be no more. */
  add(points: readonly Point[], by: AnswerDetail["by"]): boolean {
    const { shape, labels } = this;
    if (this.full()) return false;
    const label = labels.length === 1 ? (labels[0]?.value ?? "") : this.nextLabel;
    this.take([...this.marks, { label, points }], by);
    this.choose(this.marks.length - 1);
    this.say(`${this.titleOf(this.chosen)} drawn${label ? "" : `: give the ${shape.noun} a label`}`);
    return true;
  }

  /** Says so when there may be no more marks. */
  full(): boolean {
    if (this.marks.length < this.most) return false;
    this.say(`No more than ${this.most} ${this.most === 1 ? this.shape.noun : this.shape.nouns}`);
    return true;
  }

  /** Removes the chosen point of an outline, else the chosen mark. */
  removeChosen(by: AnswerDetail["by"] = "key"): void {
    const mark = this.marks[this.chosen];
    if (mark === undefined) return;
    if (this.corner >= 0 && mark.points.length > 3) {
      const { corner } = this;
      this.change(mark.points.filter((_, index) => index !== corner), by);
      this.choose(this.chosen, Math.min(corner, mark.points.length - 2));
      this.say("Point removed");
      return;
    }
    const title = this.titleOf(this.chosen);
    this.take(this.marks.filter((one) => one !== mark), by);
    this.choose(Math.min(this.chosen, this.marks.length - 1));
    this.say(`${title} removed`);
  }

  /** Gives the chosen mark a label, and those that are drawn next. */
  setLabel(value: string, by: AnswerDetail["by"]): void {
    this.nextLabel = value;
    const { chosen } = this;
    if (this.marks[chosen] !== undefined && this.marks[chosen].label !== value) {
      this.take(this.marks.map((mark, index) => (index === chosen ? { ...mark, label: value } : mark)), by);
      this.say(this.titleOf(chosen));
    }
    this.requestUpdate();
  }

  /** Gives the chosen mark other points; steps of one `move` in a row are undone as one. */
  change(points: readonly Point[], by: AnswerDetail["by"], move = ""): void {
    const { chosen } = this;
    this.take(this.marks.map((mark, index) => (index === chosen ? { ...mark, points } : mark)), by, move);
    this.say(this.placeOf(chosen));
  }

  /** Moves the chosen mark, or its chosen point, by so many pixels. */
  nudge(by: Point): void {
    const mark = this.marks[this.chosen];
    if (mark === undefined || this.size === null) return;
    const { corner, size } = this;
    const point = mark.points[corner];
    const to = point && moved([point], by, size)[0];
    const points = to ? mark.points.map((one, index) => (index === corner ? to : one)) : moved(mark.points, by, size);
    this.change(points, "arrow", `nudge ${this.chosen} ${corner}`);
  }

  /** There is nothing on the image: an answer, which is not the same as none yet. */
  nothing(by: AnswerDetail["by"]): void {
    if (this.least > 0) return;
    if (this.marks.length > 0) {
      this.say(`There ${this.marks.length === 1 ? "is a mark" : "are marks"} on the image: remove what is wrong`);
      return;
    }
    const value = this.value === null ? [] : null;
    this.history.note(this.value, "", performance.now());
    this.give(value, by);
    this.say(value === null ? "Not answered yet" : "Nothing to mark");
  }

  titleOf(index: number): string {
    const { noun } = this.shape;
    const label = this.shown[index]?.label ?? "";
    if (label) return `${nameOf(this.labels, label)} ${index + 1}`;
    return `${noun.charAt(0).toUpperCase()}${noun.slice(1)} ${index + 1}, no label yet`;
  }

  placeOf(index: number): string {
    const mark = this.shown[index];
    if (mark === undefined) return "";
    const point = index === this.chosen ? mark.points[this.corner] : undefined;
    if (point) return `Point ${this.corner + 1}: x ${tidy(point[0])}, y ${tidy(point[1])}`;
    const { left, top, right, bottom } = boundsOf(mark.points);
    return `${this.titleOf(index)}: x ${tidy(left)}, y ${tidy(top)}, ${tidy(right - left)} by ${tidy(bottom - top)} pixels`;
  }

  say(words: string): void {
    this.said = words;
    this.requestUpdate();
  }

  get canUndo(): boolean {
    return this.sketch !== null || this.history.canGoBack;
  }

  get canRedo(): boolean {
    return this.sketch === null && this.history.canGoForth;
  }

  /** Forgets the steps and what is chosen: another answer has come. */
  protected forget(): void {
    this.history.clear();
    this.chosen = this.corner = -1;
    this.live = this.sketch = null;
    this.said = "";
  }

  private take(marks: readonly Mark[], by: AnswerDetail["by"], move = ""): void {
    const { scale } = this;
    if (scale === null || this.disabled) return;
    const value = marks.length > 0 ? marks.map((mark) => this.shape.write(mark, scale)) : null;
    if (JSON.stringify(value) === JSON.stringify(this.value)) return;
    this.history.note(this.value, move, performance.now());
    this.give(value, by);
  }

  private step(found: { state: Json } | null, words: string): boolean {
    if (found === null) return false;
    this.live = null;
    this.give(found.state, "key");
    this.choose(Math.min(this.chosen, this.marks.length - 1));
    this.say(words);
    return true;
  }

  private fault(marks: readonly Mark[], scale: Scale): string {
    const { noun, nouns } = this.shape;
    const written = marks.map((mark) => this.shape.write(mark, scale));
    const seen = new Map<string, number>();
    for (const [index, one] of written.entries()) {
      const fault = this.shape.fault(one, scale);
      if (fault) return `The ${noun} “${this.titleOf(index)}” ${fault}: change or remove it`;
      const twin = seen.get(JSON.stringify(one));
      if (twin !== undefined) return `The ${nouns} ${twin + 1} and ${index + 1} are the same: remove one`;
      seen.set(JSON.stringify(one), index);
    }
    const counts = marks.map(({ points }) => points.length);
    const long = counts.findIndex((count) => count > MOST_POINTS);
    if (long >= 0) return `The ${noun} ${long + 1} has more than ${MOST_POINTS} points: draw it coarser`;
    const all = counts.reduce((sum, count) => sum + count, 0);
    return noun === "outline" && all > MOST_POINTS_IN_ALL ? "There are more than 5,000 points in all: draw coarser" : "";
  }
}

/** A number of pixels as people read it. */
export const tidy = (value: number): string => String(Number(value.toFixed(2)));
