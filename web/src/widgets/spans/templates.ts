// What the spans widget draws: the types, the text with its marks, the list of marks, the keys.
import { html, nothing } from "lit";
import type { TemplateResult } from "lit";
import { guard } from "lit/directives/guard.js";
import { repeat } from "lit/directives/repeat.js";
import type { Mark } from "./marks.ts";
import { byParagraph, lanesOf, piecesOf } from "./pieces.ts";
import type { Laid, Piece } from "./pieces.ts";
import type { Paragraph, Stretch } from "./words.ts";

/** A type of mark, with its key and its colour's class. */
export interface Type {
  value: string;
  label: string;
  key: string;
  tint: string;
}

export interface Drawn {
  text: string;
  paragraphs: readonly Paragraph[];
  marks: readonly Mark[];
  selection: Stretch | null;
  /** The mark that the person is at. */
  current: number | null;
  types: ReadonlyMap<string, Type>;
}

const LANES = 6;
const SHOWN_LETTERS = 120;

/** What stands in the text under a mark, short enough for a line of a list. */
export function words(text: string, { start, end }: Stretch): string {
  const said = text.slice(start, Math.min(end, start + SHOWN_LETTERS)).replace(/\s+/gu, " ");
  return end - start > SHOWN_LETTERS ? `${said}…` : said;
}

export const nameOf = (types: Drawn["types"], label: string): string => types.get(label)?.label ?? label;

export function textOf(drawn: Drawn, open: (id: number) => void): unknown {
  const laid = lanesOf(drawn.marks);
  const touching = byParagraph(drawn.paragraphs, laid);
  return drawn.paragraphs.map((paragraph, index) => {
    const here = touching[index] ?? [];
    const chosen = overlapOf(paragraph, drawn.selection);
    // a paragraph that nothing touched is not looked at again
    const sign = [chosen?.start, chosen?.end, ...here.map((one) => signOf(one, drawn.current))].join();
    return guard([paragraph, sign], () => {
      const pieces = piecesOf(paragraph, here, chosen);
      const blank = paragraph.text.trim() === "" ? "blank" : nothing;
      return html`<p dir=${paragraph.rtl ? "rtl" : "ltr"} class=${blank}>${pieces.length === 0
        ? html`<span data-start=${paragraph.start}><br /></span>`
        : repeat(pieces, (piece) => piece.start, (piece) => pieceOf(piece, drawn, open))}</p>`;
    });
  });
}

/** How many lanes lie under the deepest place; where marks may overlap, room for two is kept from the start. */
export const depthOf = (marks: readonly Mark[], overlap: boolean): number =>
  Math.min(LANES, lanesOf(marks).reduce((most, { lane }) => Math.max(most, lane + 1), overlap ? 2 : 1));

function pieceOf(piece: Piece, drawn: Drawn, open: (id: number) => void): TemplateResult {
  const inner = html`<span class=${piece.selected ? "sel" : nothing} data-start=${piece.start}>${piece.text}</span>`;
  return [...piece.over].reverse().reduce<TemplateResult>((content, laid) => {
    const { mark, lane } = laid;
    const tint = drawn.types.get(mark.label)?.tint ?? "d6";
    const place = `${mark.start === piece.start ? "first" : ""} ${mark.end <= piece.end ? "last" : ""}`;
    const here = mark.id === drawn.current ? "here" : "";
    // the name belongs to its own lane: the lines of longer marks pass below it
    const name = piece.ending.includes(laid) ? chipOf(mark, drawn, open) : nothing;
    return html`<span class="mk l${Math.min(lane, LANES - 1)} ${tint} ${place} ${here}">${content}${name}</span>`;
  }, inner);
}

function chipOf(mark: Mark, { types, text, current }: Drawn, open: (id: number) => void): TemplateResult {
  const type = types.get(mark.label);
  const look = `chip ${type?.tint ?? "d6"} ${mark.id === current ? "here" : ""}`;
  return html`<button type="button" class=${look} tabindex="-1" data-mark=${mark.id} @focus=${() => open(mark.id)}
    @click=${() => open(mark.id)}><span class="vh">${words(text, mark)}, </span><bdi>${nameOf(types, mark.label)}</bdi>${type?.key
      ? html`<i class="key" aria-hidden="true">${type.key}</i>` : nothing}</button>`;
}

function overlapOf(paragraph: Paragraph, selection: Stretch | null): Stretch | null {
  if (!selection || selection.start > paragraph.end || selection.end < paragraph.start) return null;
  return { start: Math.max(selection.start, paragraph.start), end: Math.min(selection.end, paragraph.end) };
}

const signOf = ({ mark, lane }: Laid, current: number | null): string =>
  JSON.stringify([mark.id, mark.start, mark.end, mark.label, lane, mark.id === current]);

export interface ListActions {
  open(id: number): void;
  remove(id: number): void;
}

export function listOf(drawn: Drawn, none: boolean, actions: ListActions): unknown {
  // thousands of rows are not gone through for every step of the caret
  return guard([drawn.marks, drawn.current, none], () => rowsOf(drawn, none, actions));
}

function rowsOf({ text, marks, current, types }: Drawn, none: boolean, actions: ListActions): TemplateResult {
  if (marks.length === 0) return html`<p class="cap">${none ? "Nothing to mark." : "None yet."}</p>`;
  return html`<ul class="marks">
    ${repeat(marks, (mark) => mark.id, (mark) => html`<li class=${mark.id === current ? "here" : nothing}>
      <button type="button" class="open" aria-current=${mark.id === current ? "true" : nothing}
        @click=${() => actions.open(mark.id)}><span class="sw ${types.get(mark.label)?.tint ?? "d6"}"></span><bdi
        class="words">${words(text, mark)}</bdi> <span class="faint">${nameOf(types, mark.label)}</span></button>
      <button type="button" class="btn quiet square" aria-label="Remove ${words(text, mark)}, ${nameOf(types, mark.label)}"
        @click=${() => actions.remove(mark.id)}><svg class="i" viewBox="0 0 20 20" aria-hidden="true"><path
        d="m6 6 8 8M14 6l-8 8"></path></svg></button>
    </li>`)}
  </ul>`;
}

export function keysOf(types: readonly Type[], noneKey: string): TemplateResult {
  const keys = types.map((type) => type.key).filter(Boolean);
  const [first, last] = [keys[0], keys.at(-1)];
  return html`<dl class="keys">
    <div><dt><kbd>←</kbd> <kbd>→</kbd></dt><dd>next word</dd></div>
    <div><dt><kbd>Shift</kbd> <kbd>→</kbd></dt><dd>take in a word, or move the end of a mark</dd></div>
    ${first ? html`<div><dt><kbd>${first}</kbd>${keys.length > 1 ? html` – <kbd>${last}</kbd>` : nothing}</dt>
      <dd>mark as, or change the type</dd></div>` : nothing}
    <div><dt><kbd>Tab</kbd></dt><dd>next mark</dd></div>
    <div><dt><kbd>Delete</kbd></dt><dd>remove the mark</dd></div>
    <div><dt><kbd>X</kbd></dt><dd>characters instead of words; or <kbd>Alt</kbd> with the mouse</dd></div>
    <div><dt><kbd>Esc</kbd></dt><dd>let go</dd></div>
    ${noneKey ? html`<div><dt><kbd>${noneKey}</kbd></dt><dd>nothing to mark</dd></div>` : nothing}
    <div><dt><kbd>Ctrl</kbd> <kbd>Z</kbd></dt><dd>undo; <kbd>Ctrl</kbd> <kbd>Shift</kbd> <kbd>Z</kbd> redo</dd></div>
  </dl>`;
}
