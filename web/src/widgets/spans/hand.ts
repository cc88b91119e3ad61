// What a drag and a click mean in a text that is being marked.
import type { Hit } from "./pointing.ts";
import type { Sheet } from "./sheet.ts";
import type { Stretch } from "./words.ts";

/** Selects what was dragged over: whole words, or exactly the characters. */
export function selectDragged(sheet: Sheet, { from, to }: { from: Hit; to: Hit }, alt: boolean): boolean {
  const exact = alt || sheet.grain === "character";
  const [anchor, head] = [from, to].map((hit) => (exact ? gapAt(sheet, hit.gap) : sheet.words.at(hit.under, "word")));
  if (!anchor || !head) return false;
  sheet.current = null;
  sheet.said = "";
  sheet.caret.select(anchor, head);
  return true;
}

/** The mark that a click opens: the shortest under it, then the one around that; after the last the word is selected. */
export function clicked(sheet: Sheet, hit: Hit, press: Pick<PointerEvent, "altKey" | "pointerType">): number | undefined {
  const over = sheet.marks.over(hit.under);
  const next = press.altKey ? undefined : over[over.findIndex((mark) => mark.id === sheet.current) + 1];
  const before = sheet.caret.selection;
  const step = sheet.words.at(hit.under, sheet.grain);
  if (next && !before) return next.id;
  if (before && step && before.start <= step.start && step.end <= before.end) sheet.letGo();
  else sheet.goTo(step, press.pointerType !== "mouse" && isNextTo(sheet, before, step));
  return undefined;
}

/** A finger that touches the word beside the selection takes it in. */
function isNextTo({ words, grain }: Sheet, before: Stretch | null, step: Stretch | undefined): boolean {
  if (!before || !step) return false;
  return words.after(before.end, grain)?.start === step.start || words.before(before.start, grain)?.start === step.start;
}

/** A gap between two characters, never between a letter and its accents. */
function gapAt({ words }: Sheet, gap: number): Stretch {
  const step = words.at(gap, "character");
  const at = step && step.start < gap && gap < step.end ? step.start : gap;
  return { start: at, end: at };
}
