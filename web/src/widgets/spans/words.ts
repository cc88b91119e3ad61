// What one step of the caret takes in: a word, a sign, one character of a script without spaces; by paragraphs, at need.

/** A stretch of the text in UTF-16 units; `end` is the first unit after it. */
export interface Stretch {
  start: number;
  end: number;
}

export interface Paragraph extends Stretch {
  text: string;
  rtl: boolean;
}

export type Grain = "word" | "character";

const NO_SPACES = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;
const FIRST_LETTER = /\p{L}/u;
const RTL_SCRIPTS = ["Hebrew", "Arabic", "Syriac", "Thaana", "Nko", "Adlam", "Samaritan", "Mandaic"];
const RTL = new RegExp(`[${RTL_SCRIPTS.map((script) => `\\p{Script=${script}}`).join("")}]`, "u");
const BLANK = /^\s*$/u;

/** The lines of a text. The signs that end them belong to none. */
export function paragraphsOf(text: string): Paragraph[] {
  const paragraphs: Paragraph[] = [];
  let start = 0;
  for (const line of text.split("\n")) {
    const letter = FIRST_LETTER.exec(line)?.[0] ?? "";
    paragraphs.push({ start, end: start + line.length, text: line, rtl: RTL.test(letter) });
    start += line.length + 1;
  }
  return paragraphs;
}

export class Words {
  private readonly kept = { word: new Map<number, Stretch[]>(), character: new Map<number, Stretch[]>() };
  private readonly segmenters = {
    word: new Intl.Segmenter(undefined, { granularity: "word" }),
    character: new Intl.Segmenter(undefined, { granularity: "grapheme" }),
  };

  constructor(readonly paragraphs: readonly Paragraph[]) {}

  /** The first word that ends after this place; undefined behind the last. */
  after(offset: number, grain: Grain): Stretch | undefined {
    for (let index = this.paragraphAt(offset); index < this.paragraphs.length; index += 1) {
      const steps = this.of(index, grain);
      const found = steps[firstWhere(steps, (step) => step.end > offset)];
      if (found) return found;
    }
    return undefined;
  }

  /** The last word that starts before this place. */
  before(offset: number, grain: Grain): Stretch | undefined {
    for (let index = this.paragraphAt(offset); index >= 0; index -= 1) {
      const steps = this.of(index, grain);
      const found = steps[firstWhere(steps, (step) => step.start >= offset) - 1];
      if (found) return found;
    }
    return undefined;
  }

  /** The word under a place, or the nearest one in its paragraph. */
  at(offset: number, grain: Grain): Stretch | undefined {
    const steps = this.of(this.paragraphAt(offset), grain);
    const index = firstWhere(steps, (step) => step.end > offset);
    const [here, last] = [steps[index], steps[index - 1]];
    if (!here || !last || here.start <= offset) return here ?? last;
    return offset - last.end <= here.start - offset ? last : here;
  }

  /** The first or the last word of the paragraph that holds this place. */
  edge(offset: number, grain: Grain, last: boolean): Stretch | undefined {
    return this.of(this.paragraphAt(offset), grain).at(last ? -1 : 0);
  }

  paragraphAt(offset: number): number {
    const index = firstWhere(this.paragraphs, (paragraph) => paragraph.end >= offset);
    return Math.min(index, this.paragraphs.length - 1);
  }

  private of(index: number, grain: Grain): Stretch[] {
    const kept = this.kept[grain].get(index);
    if (kept) return kept;
    const paragraph = this.paragraphs[index];
    const steps = paragraph ? this.stepsOf(paragraph, grain) : [];
    this.kept[grain].set(index, steps);
    return steps;
  }

  private stepsOf({ text, start }: Paragraph, grain: Grain): Stretch[] {
    const steps: Stretch[] = [];
    const take = (from: number, length: number) => steps.push({ start: from, end: from + length });
    for (const { segment, index } of this.segmenters[grain].segment(text)) {
      if (grain === "word" && BLANK.test(segment)) continue;
      if (grain === "word" && NO_SPACES.test(segment)) {
        for (const one of this.segmenters.character.segment(segment)) {
          take(start + index + one.index, one.segment.length);
        }
      } else take(start + index, segment.length);
    }
    return steps;
  }
}

/** Where the first one stands for which it holds; all after it hold too. The length where none does. */
export function firstWhere<T>(sorted: readonly T[], holds: (one: T) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(sorted[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}
