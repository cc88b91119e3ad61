// Dragging a row of <ch-ranking>: by mouse anywhere on it, by finger at its grip, so that the list can still be scrolled.

/** Where a dragged row would go: a place among the ranked, `out` of them, or nowhere. */
export type Target = number | "out" | "nowhere";

export interface DragEvents {
  /** Says where a row would go if it were let go at this height of the window. */
  targetAt(value: string, y: number): Target;
  /** The row has been taken up, or is over something else now. */
  moved(): void;
  dropped(value: string, target: Target): void;
}

const THRESHOLD_PX = 4;
const EDGE_PX = 40;
const SCROLL_STEP_PX = 12;

export class RowDrag {
  value: string | null = null;
  target: Target = "nowhere";
  /** The click that ends a drag is none. */
  justEnded = false;
  private row: HTMLElement | null = null;
  private startY = 0;
  private startScroll = 0;
  private waiting: { row: HTMLElement; value: string; y: number } | null = null;

  constructor(
    private readonly host: HTMLElement,
    private readonly events: DragEvents,
  ) {
    host.addEventListener("pointermove", (event) => this.onMove(event));
    host.addEventListener("pointerup", () => this.end(true));
    host.addEventListener("pointercancel", () => this.end(false));
  }

  onDown(event: PointerEvent, value: string): void {
    this.justEnded = false;
    const row = event.currentTarget as HTMLElement;
    const atGrip = event.target instanceof Element && event.target.closest(".rank-grip") !== null;
    const onTool = event.target instanceof Element && event.target.closest(".rank-tools") !== null;
    if (event.button !== 0 || onTool || (event.pointerType !== "mouse" && !atGrip)) return;
    this.waiting = { row, value, y: event.clientY };
  }

  /** Leaves everything as it was; false when nothing is dragged. */
  cancel(): boolean {
    const dragging = this.value !== null;
    this.end(false);
    return dragging;
  }

  private onMove(event: PointerEvent): void {
    const { waiting } = this;
    if (waiting !== null && Math.abs(event.clientY - waiting.y) >= THRESHOLD_PX) this.begin(waiting, event.pointerId);
    if (this.value === null) return;
    this.scrollAt(event.clientY);
    const dy = event.clientY - this.startY + this.scrolled() - this.startScroll;
    this.row?.style.setProperty("--drag-y", `${dy.toFixed(1)}px`);
    const target = this.events.targetAt(this.value, event.clientY);
    if (target === this.target) return;
    this.target = target;
    this.events.moved();
  }

  private begin(from: { row: HTMLElement; value: string; y: number }, pointerId: number): void {
    this.waiting = null;
    this.value = from.value;
    this.row = from.row;
    this.startY = from.y;
    this.startScroll = this.scrolled();
    this.target = "nowhere";
    this.host.setPointerCapture?.(pointerId);
    this.events.moved();
  }

  private end(dropped: boolean): void {
    const { value, target } = this;
    this.waiting = null;
    if (value === null) return;
    this.row?.style.removeProperty("--drag-y");
    this.value = null;
    this.row = null;
    this.justEnded = true;
    if (dropped) this.events.dropped(value, target);
    this.events.moved();
  }

  /** The list scrolls by itself where it is too long for its room; else the page does. */
  private scroller(): Element {
    const list = this.host.querySelector(".ranking");
    const page = this.host.ownerDocument.documentElement;
    return list !== null && list.scrollHeight > list.clientHeight + 1 ? list : page;
  }

  private scrolled(): number {
    return this.scroller().scrollTop;
  }

  private scrollAt(y: number): void {
    const scroller = this.scroller();
    const own = scroller !== this.host.ownerDocument.documentElement;
    const { top, bottom } = own ? scroller.getBoundingClientRect() : { top: 0, bottom: window.innerHeight };
    if (y < top + EDGE_PX) scroller.scrollTop -= SCROLL_STEP_PX;
    else if (y > bottom - EDGE_PX) scroller.scrollTop += SCROLL_STEP_PX;
  }
}
