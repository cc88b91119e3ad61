// Mouse and finger: which character lies under a point, and a drag from one to another.

/** A place in the text, in UTF-16 units. */
export interface Hit {
  /** The character under the point. */
  under: number;
  /** The gap between two characters that is nearest to the point. */
  gap: number;
}

export interface Pointing {
  /** A press began here; false where nothing is to follow. */
  down(hit: Hit, event: PointerEvent): void;
  drag(from: Hit, to: Hit, event: PointerEvent): void;
  /** The press ended: without a drag it was a click. */
  up(hit: Hit, dragged: boolean, event: PointerEvent): void;
  cancel(): void;
}

const SLACK = 4; // pixels that a hand trembles

interface Press {
  id: number;
  x: number;
  y: number;
  from: Hit;
  dragged: boolean;
}

type CaretDocument = Document & {
  caretPositionFromPoint?: (x: number, y: number) => { offsetNode: Node; offset: number } | null;
  caretRangeFromPoint?: (x: number, y: number) => Range | null;
};

/** Follows one press at a time on `text`; pieces of it say with data-start where they begin. */
export class Pointer {
  private press: Press | null = null;

  constructor(private readonly to: Pointing) {}

  handle(event: PointerEvent, text: HTMLElement): void {
    if (event.type === "pointerdown") this.down(event, text);
    else if (this.press?.id !== event.pointerId) return;
    else if (event.type === "pointermove") this.move(event, text, this.press);
    else this.end(event, text, this.press);
  }

  private down(event: PointerEvent, text: HTMLElement): void {
    if (event.button !== 0 || !event.isPrimary || (event.target as Element).closest("button")) return;
    const from = hitAt(text, event.clientX, event.clientY);
    if (!from) return;
    // the piece under the finger may be drawn anew in mid-drag, and a mouse may leave the text
    text.setPointerCapture(event.pointerId);
    this.press = { id: event.pointerId, x: event.clientX, y: event.clientY, from, dragged: false };
    this.to.down(from, event);
  }

  private move(event: PointerEvent, text: HTMLElement, press: Press): void {
    press.dragged ||= Math.hypot(event.clientX - press.x, event.clientY - press.y) > SLACK;
    if (!press.dragged) return;
    const hit = hitAt(text, event.clientX, event.clientY);
    if (hit) this.to.drag(press.from, hit, event);
  }

  private end(event: PointerEvent, text: HTMLElement, press: Press): void {
    this.press = null;
    const hit = hitAt(text, event.clientX, event.clientY) ?? press.from;
    if (event.type !== "pointercancel") this.to.up(hit, press.dragged, event);
    else if (press.dragged) this.to.cancel(); // the finger scrolls
  }
}

/** What lies under a point of the window, or nearest to it within the text. */
export function hitAt(text: HTMLElement, x: number, y: number): Hit | undefined {
  const box = text.getBoundingClientRect();
  const inX = Math.min(Math.max(x, box.left + 1), box.right - 1);
  const inY = Math.min(Math.max(y, box.top + 1), box.bottom - 1);
  const found = caretAt(text.ownerDocument, inX, inY);
  const piece = found?.node.parentElement?.closest<HTMLElement>("[data-start]");
  if (!found || !piece || !text.contains(piece)) return undefined;
  const start = Number(piece.dataset.start);
  if (!(found.node instanceof Text) || found.node.parentElement !== piece) return { under: start, gap: start };
  const gap = start + found.offset;
  return { gap, under: found.offset > 0 && covers(found.node, found.offset - 1, inX, inY) ? gap - 1 : gap };
}

function caretAt(page: CaretDocument, x: number, y: number): { node: Node; offset: number } | undefined {
  const position = page.caretPositionFromPoint?.(x, y);
  if (position) return { node: position.offsetNode, offset: position.offset };
  const range = page.caretRangeFromPoint?.(x, y);
  return range ? { node: range.startContainer, offset: range.startOffset } : undefined;
}

function covers(node: Text, at: number, x: number, y: number): boolean {
  const range = node.ownerDocument.createRange();
  range.setStart(node, at);
  range.setEnd(node, at + 1);
  return [...range.getClientRects()].some(
    (box) => box.left <= x && x <= box.right && box.top - 12 <= y && y <= box.bottom + 12,
  );
}

/** Where the character at this place of the text is drawn. */
export function rectOf(text: HTMLElement, offset: number): DOMRect | undefined {
  const pieces = [...text.querySelectorAll<HTMLElement>("[data-start]")];
  const piece = pieces.findLast((one) => Number(one.dataset.start) <= offset);
  const node = [...(piece?.childNodes ?? [])].find((one) => one instanceof Text && one.length > 0);
  const at = offset - Number(piece?.dataset.start);
  if (!(node instanceof Text) || at >= node.length) return undefined;
  const range = text.ownerDocument.createRange();
  range.setStart(node, at);
  range.setEnd(node, at + 1);
  return range.getClientRects()[0];
}
