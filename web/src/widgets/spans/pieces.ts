// How marks lie on the text: each in a lane of its own where they overlap, each paragraph cut into pieces.
import type { Mark } from "./marks.ts";
import type { Paragraph, Stretch } from "./words.ts";

export interface Laid {
  mark: Mark;
  /** 0 lies next to the text. */
  lane: number;
}

export interface Piece extends Stretch {
  text: string;
  /** The lowest lane last: it is drawn innermost. */
  over: readonly Laid[];
  /** The marks that end with this piece: their names stand at its end. */
  ending: readonly Laid[];
  selected: boolean;
}

/** Gives every mark the lowest lane that is free where it starts. Marks come sorted by start. */
export function lanesOf(marks: readonly Mark[]): Laid[] {
  const ends: number[] = [];
  return marks.map((mark) => {
    const free = ends.findIndex((end) => end <= mark.start);
    const lane = free < 0 ? ends.length : free;
    ends[lane] = mark.end;
    return { mark, lane };
  });
}

/** Cuts a paragraph where a mark or the selection begins or ends; `laid` are the marks that touch it. */
export function piecesOf(paragraph: Paragraph, laid: readonly Laid[], selection: Stretch | null): Piece[] {
  const within = (offset: number) => Math.min(Math.max(offset, paragraph.start), paragraph.end);
  const cuts = new Set([paragraph.start, paragraph.end]);
  for (const { start, end } of [...laid.map((one) => one.mark), ...(selection ? [selection] : [])]) {
    cuts.add(within(start)).add(within(end));
  }
  const places = [...cuts].sort((one, other) => one - other);
  const pieces: Piece[] = [];
  let open: Laid[] = [];
  let next = 0;
  for (let index = 0; index + 1 < places.length; index += 1) {
    const [start, end] = [places[index] as number, places[index + 1] as number];
    open = open.filter((one) => one.mark.end > start);
    for (; next < laid.length && (laid[next] as Laid).mark.start <= start; next += 1) {
      if ((laid[next] as Laid).mark.end > start) open.push(laid[next] as Laid);
    }
    pieces.push({
      start,
      end,
      text: paragraph.text.slice(start - paragraph.start, end - paragraph.start),
      over: [...open].sort((one, other) => other.lane - one.lane),
      // a mark that ends with the line break ends here too
      ending: open.filter(({ mark }) => mark.end === end || (end === paragraph.end && mark.end === end + 1)),
      selected: selection !== null && selection.start <= start && end <= selection.end,
    });
  }
  return pieces;
}

/** The marks that touch each paragraph, in one walk over both. */
export function byParagraph(paragraphs: readonly Paragraph[], laid: readonly Laid[]): Laid[][] {
  let open: Laid[] = [];
  let next = 0;
  return paragraphs.map(({ start, end }) => {
    open = open.filter((one) => one.mark.end > start);
    for (; next < laid.length && (laid[next] as Laid).mark.start <= end; next += 1) open.push(laid[next] as Laid);
    return open.filter((one) => one.mark.end > start);
  });
}
