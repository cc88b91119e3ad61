// The marks of one text and every step that was taken with them, so that each can be taken back.
import type { Json } from "../element.ts";
import type { Offsets } from "./offsets.ts";
import type { Stretch } from "./words.ts";

/** A labelled stretch; offsets in UTF-16 units. The id stays while its type or its ends change. */
export interface Mark extends Stretch {
  id: number;
  label: string;
}

interface State {
  marks: readonly Mark[];
  /** The person said that there is nothing to mark. */
  none: boolean;
}

export interface Rules {
  overlap: boolean;
  most: number;
}

export type Outcome =
  | { done: "marked" | "changed" | "same"; mark: Mark; replaced: readonly Mark[] }
  | { done: "full" };

const EMPTY: State = { marks: [], none: false };
const overlaps = (one: Stretch, other: Stretch): boolean => one.start < other.end && other.start < one.end;

export class Marks {
  private state = EMPTY;
  private past: State[] = [];
  private future: State[] = [];
  private lastId = 0;

  constructor(private readonly rules: Rules) {}

  get all(): readonly Mark[] {
    return this.state.marks;
  }

  get none(): boolean {
    return this.state.none;
  }

  get(id: number): Mark | undefined {
    return this.state.marks.find((mark) => mark.id === id);
  }

  /** The marks over a place, the shortest first. */
  over(offset: number): Mark[] {
    return this.state.marks
      .filter((mark) => mark.start <= offset && offset < mark.end)
      .sort((one, other) => one.end - one.start - (other.end - other.start));
  }

  /** Gives a stretch a label; where marks must not overlap, those in its way go. */
  add({ start, end }: Stretch, label: string): Outcome {
    const exact = this.state.marks.filter((mark) => mark.start === start && mark.end === end);
    const same = exact.find((mark) => mark.label === label);
    if (same) return { done: "same", mark: same, replaced: [] };
    if (!this.rules.overlap && exact[0]) return this.relabel(exact[0].id, label);
    const replaced = this.rules.overlap ? [] : this.state.marks.filter((mark) => overlaps(mark, { start, end }));
    const kept = this.state.marks.filter((mark) => !replaced.includes(mark));
    if (kept.length >= this.rules.most) return { done: "full" };
    const mark = { id: (this.lastId += 1), start, end, label };
    this.step([...kept, mark]);
    return { done: "marked", mark, replaced };
  }

  /** Gives a mark another label; a twin that it becomes the same as goes. */
  relabel(id: number, label: string): Outcome {
    const mark = this.get(id);
    if (!mark) return { done: "full" };
    return mark.label === label ? { done: "same", mark, replaced: [] } : this.change({ ...mark, label });
  }

  /** Moves a mark's end; undefined where that would be empty, or over another that may not be overlapped. */
  resize(id: number, { start, end }: Stretch): Outcome | undefined {
    const mark = this.get(id);
    if (!mark || end <= start) return undefined;
    const inTheWay = this.state.marks.some((other) => other.id !== id && overlaps(other, { start, end }));
    return inTheWay && !this.rules.overlap ? undefined : this.change({ ...mark, start, end });
  }

  remove(id: number): void {
    this.step(this.state.marks.filter((mark) => mark.id !== id));
  }

  sayNone(none: boolean): void {
    this.step(none ? [] : this.state.marks, none);
  }

  get canUndo(): boolean {
    return this.past.length > 0;
  }

  undo(): boolean {
    return this.move(this.past, this.future);
  }

  redo(): boolean {
    return this.move(this.future, this.past);
  }

  /** The answer; null until something is marked, or it was said that there is nothing. */
  toAnswer(offsets: Offsets): Json {
    if (this.state.marks.length === 0) return this.state.none ? [] : null;
    return this.state.marks.map(({ start, end, label }) => ({
      start: offsets.toPoints(start),
      end: offsets.toPoints(end),
      label,
    }));
  }

  /** Takes an answer that was kept; nothing before it can be taken back. */
  restore(answer: Json, offsets: Offsets): void {
    const spans = Array.isArray(answer) ? answer : [];
    const marks = spans.flatMap((span) => {
      if (span === null || typeof span !== "object" || Array.isArray(span)) return [];
      const { start, end, label } = span;
      if (typeof start !== "number" || typeof end !== "number" || typeof label !== "string") return [];
      if (start < 0 || end <= start || end > offsets.length) return [];
      return [{ id: (this.lastId += 1), start: offsets.toUnits(start), end: offsets.toUnits(end), label }];
    });
    this.state = { marks: inOrder(marks), none: Array.isArray(answer) && answer.length === 0 };
    this.past = [];
    this.future = [];
  }

  private change(mark: Mark): Outcome {
    const isTwin = (other: Mark) =>
      other.id !== mark.id && other.start === mark.start && other.end === mark.end && other.label === mark.label;
    const replaced = this.state.marks.filter(isTwin);
    const kept = this.state.marks.filter((other) => other.id !== mark.id && !isTwin(other));
    this.step([...kept, mark]);
    return { done: "changed", mark, replaced };
  }

  private step(marks: readonly Mark[], none = false): void {
    this.past.push(this.state);
    this.future = [];
    this.state = { marks: inOrder(marks), none };
  }

  private move(from: State[], to: State[]): boolean {
    const state = from.pop();
    if (!state) return false;
    to.push(this.state);
    this.state = state;
    return true;
  }
}

/** By start, end and label, as the server keeps them. */
function inOrder(marks: readonly Mark[]): Mark[] {
  return [...marks].sort(
    (one, other) =>
      one.start - other.start || one.end - other.end || (one.label < other.label ? -1 : Number(one.label > other.label)),
  );
}
