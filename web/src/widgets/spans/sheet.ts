// One text being marked: its words, its marks, where the person is in it, and what each command does. Knows no HTML.
import type { Item, Json, Question } from "../element.ts";
import { assignKeys } from "../keys.ts";
import { Caret } from "./caret.ts";
import { Marks } from "./marks.ts";
import type { Outcome } from "./marks.ts";
import { Offsets } from "./offsets.ts";
import { nameOf, words } from "./templates.ts";
import type { Type } from "./templates.ts";
import { Words, paragraphsOf } from "./words.ts";
import type { Grain, Stretch } from "./words.ts";

interface Label {
  value: string;
  label: string;
}

const TINTS = 6;
const MOST = 5000;

export class Sheet {
  readonly text: string;
  readonly offsets: Offsets;
  readonly words: Words;
  readonly marks: Marks;
  readonly caret = new Caret();
  readonly types: readonly Type[];
  readonly byValue: ReadonlyMap<string, Type>;
  readonly least: number;
  readonly most: number;
  /** The key for "nothing to mark"; "" where an empty answer is not taken. */
  readonly noneKey: string;
  grain: Grain = "word";
  /** The mark that the person is at. */
  current: number | null = null;
  /** The type that the pointer marks with at once. */
  armed: string | null = null;
  /** What the last step did, in words. */
  said = "";

  private readonly counted: unknown;

  constructor(question: Question | null, item: Item | null) {
    this.counted = question?.unit;
    this.text = item?.text ?? "";
    this.offsets = new Offsets(this.text);
    this.words = new Words(paragraphsOf(this.text));
    this.types = typesOf(question);
    this.byValue = new Map(this.types.map((type) => [type.value, type]));
    this.least = Number(question?.min_count ?? 0);
    this.most = Number(question?.max_count ?? MOST);
    this.marks = new Marks({ overlap: question?.overlap === true, most: this.most });
    const taken = this.types.some((type) => type.key === "0");
    this.noneKey = this.least > 0 ? "" : taken ? "n" : "0";
  }

  get answer(): Json {
    return this.marks.toAnswer(this.offsets);
  }

  /** Takes the answer that was kept. */
  restore(answer: Json): void {
    this.marks.restore(answer, this.offsets);
    this.current = null;
    this.caret.forget();
    this.said = "";
  }

  missing(): string {
    const count = this.marks.all.length;
    if (this.counted === "tokens") return "Tokens are counted here, which this page cannot do: answer over the API";
    if (this.text === "") return "There is no text here to mark";
    if (count >= this.least && (count > 0 || this.marks.none)) return "";
    const none = `say that there is nothing to mark (${this.noneKey.toUpperCase()})`;
    if (this.least === 0) return `Mark something first, or ${none}`;
    const lacking = this.least - count;
    return count === 0 ? `Mark at least ${this.least} first` : `Mark ${lacking} more first`;
  }

  /** Gives the label to the mark the person is at, else to the selection; with neither, keeps it for the pointer. */
  use(label: string): boolean {
    const { selection } = this.caret;
    if (this.current !== null) return this.tell(this.marks.relabel(this.current, label));
    if (selection !== null) return this.markSelection(selection, label);
    this.armed = this.armed === label ? null : label;
    const type = nameOf(this.byValue, label);
    this.said = this.armed === null ? "Choose words, then their type" : `Marks with ${type} at once`;
    return false;
  }

  /** Marks what the pointer has chosen, if a type waits for that. */
  useArmed(): boolean {
    const { selection } = this.caret;
    return this.armed !== null && selection !== null && this.markSelection(selection, this.armed);
  }

  /** Removes the mark that the person is at, else the shortest one under the caret. */
  remove(id = this.current ?? this.underCaret()): boolean {
    const mark = id === undefined ? undefined : this.marks.get(id);
    if (!mark) return false;
    this.marks.remove(mark.id);
    this.current = null;
    this.caret.rest(mark);
    this.said = `Removed “${words(this.text, mark)}”`;
    return true;
  }

  /** Says, or takes back, that there is nothing to mark; marks are never thrown away by it. */
  toggleNone(): boolean {
    if (this.noneKey === "") return false;
    if (this.marks.all.length > 0) {
      this.said = "There are marks: remove them first";
      return false;
    }
    this.marks.sayNone(!this.marks.none);
    this.letGo();
    this.said = this.marks.none ? "Nothing to mark" : "";
    return true;
  }

  toggleGrain(): void {
    this.grain = this.grain === "word" ? "character" : "word";
    this.said = this.grain === "word" ? "Selects whole words" : "Selects characters";
  }

  /** Lets go of the selection, the mark or the type that waits; false when there is none. */
  letGo(): boolean {
    const had = this.current !== null || this.caret.selection !== null || this.armed !== null;
    if (this.current === null && this.caret.selection === null) this.armed = null;
    this.current = null;
    this.caret.rest();
    this.said = "";
    return had;
  }

  open(id: number): void {
    const mark = this.marks.get(id);
    if (!mark) return;
    this.current = id;
    this.caret.rest(mark);
    this.said = "";
  }

  /** The mark after the place where the person is, or before it: what was marked just now is before. */
  beside(forward: boolean): number | undefined {
    const { all } = this.marks;
    const at = all.findIndex((mark) => mark.id === this.current);
    if (at >= 0) return all[forward ? at + 1 : at - 1]?.id;
    const { start = 0, end = 0 } = this.caret.place ?? {};
    return forward ? all.find((mark) => mark.start >= end)?.id : all.findLast((mark) => mark.start <= start)?.id;
  }

  /** One step of the caret; true when the answer changed, as it does when the end of a mark moves. */
  step(forward: boolean, extend: boolean): boolean {
    const mark = this.current === null ? undefined : this.marks.get(this.current);
    if (mark && extend) return this.moveEnd(mark, forward);
    this.current = null;
    this.said = "";
    this.caret.step(this.words, { forward, extend, grain: this.grain });
    return false;
  }

  goTo(place: Stretch | undefined, extend: boolean): void {
    this.current = null;
    this.said = "";
    this.caret.go(place, extend);
  }

  /** The text runs from right to left where the person is. */
  get rtl(): boolean {
    return this.words.paragraphs[this.words.paragraphAt(this.caret.place?.start ?? 0)]?.rtl ?? false;
  }

  private underCaret(): number | undefined {
    const { place } = this.caret;
    return place ? this.marks.over(place.start)[0]?.id : undefined;
  }

  private moveEnd(mark: Stretch & { id: number }, forward: boolean): boolean {
    const end = forward
      ? this.words.after(mark.end, this.grain)?.end
      : this.endBefore(mark.end);
    const moved = end === undefined ? undefined : this.marks.resize(mark.id, { start: mark.start, end });
    if (!moved) this.said = "The mark cannot end there";
    return moved !== undefined && this.tell(moved);
  }

  /** Where the word before the one that ends here has its end. */
  private endBefore(end: number): number | undefined {
    const last = this.words.before(end, this.grain);
    return last && this.words.before(last.start, this.grain)?.end;
  }

  private markSelection(selection: Stretch, label: string): boolean {
    const changed = this.tell(this.marks.add(selection, label));
    this.caret.rest();
    return changed;
  }

  private tell(outcome: Outcome): boolean {
    if (outcome.done === "full") {
      this.said = `There may be ${this.most} at most: remove one first`;
      return false;
    }
    const type = nameOf(this.byValue, outcome.mark.label);
    const said = `“${words(this.text, outcome.mark)}”: ${type}`;
    const gone = outcome.replaced.map((mark) => `“${words(this.text, mark)}”`).join(", ");
    this.said = outcome.done === "same" ? `${said} already` : gone ? `${said}, in place of ${gone}` : said;
    return outcome.done !== "same";
  }
}

/** The types in the requester's order; colours begin again after six, and names and keys tell them apart. */
function typesOf(question: Question | null): Type[] {
  const labels = (question?.labels ?? []) as Label[];
  const keys = assignKeys(labels.map((one) => one.label));
  return labels.map(({ value, label }, index) => ({
    value,
    label,
    key: keys[index] ?? "",
    tint: `d${(index % TINTS) + 1}${index >= TINTS ? " again" : ""}`,
  }));
}
