// What fingers, pens and mice do on the stage: draw, choose, move, pull, pan, and pinch with two fingers.
import { distance } from "./geometry.ts";
import type { Point } from "./geometry.ts";
import type { View } from "./view.ts";

/** What the pointers need of the widget. Points are screen pixels of the stage, unless said otherwise. */
export interface Board {
  view: View | null;
  /** Whether dragging over free space draws (a box); else it moves the image. */
  readonly dragDraws: boolean;
  /** Dragging moves the image: the Pan button is on, or the space bar is held. */
  readonly panning: boolean;
  /** Clicks are the points of an outline that has been begun. */
  readonly clicksDraw: boolean;
  handleAt(at: Point, reach: number): number;
  overChosen(at: Point): boolean;
  tapped(at: Point, how: { fresh: boolean; reach: number }): void;
  /** Shows a box that is being drawn, the chosen mark moved, its handle pulled; nothing is given before `settle`. */
  drawn(from: Point, to: Point): void;
  dragged(from: Point, to: Point): void;
  pulled(handle: number, to: Point): void;
  settle(): void;
  cancel(): void;
  hover(at: Point | null): void;
  look(view: View): void;
}

type Gesture =
  | { kind: "press" | "draw" | "move"; from: Point; fresh: boolean }
  | { kind: "pull"; handle: number; from: Point; begun: boolean }
  | { kind: "pan"; last: Point };

const SLOP = 4;
const REACH = { mouse: 9, finger: 22 };
const WHEEL = 0.0016;

export class Pointers {
  private readonly down = new Map<number, Point>();
  private gesture: Gesture | null = null;

  constructor(
    private readonly board: Board,
    private readonly stage: () => HTMLElement | null,
  ) {}

  /** Whether something is being done just now. */
  get busy(): boolean {
    return this.gesture !== null && this.gesture.kind !== "press";
  }

  press(event: PointerEvent): void {
    const { board } = this;
    if (board.view === null || event.button > 1) return;
    this.stage()?.setPointerCapture?.(event.pointerId);
    const at = this.place(event);
    this.down.set(event.pointerId, at);
    if (this.down.size > 1) {
      this.stop();
      return;
    }
    const fresh = event.shiftKey;
    const handle = fresh || board.clicksDraw ? -1 : board.handleAt(at, reachOf(event));
    if (event.button === 1 || board.panning) this.gesture = { kind: "pan", last: at };
    else if (handle >= 0) this.gesture = { kind: "pull", handle, from: at, begun: false };
    else this.gesture = { kind: "press", from: at, fresh };
    if (event.button === 1) event.preventDefault(); // no scrolling by itself
  }

  move(event: PointerEvent): void {
    const at = this.place(event);
    const before = this.down.get(event.pointerId);
    if (before === undefined) {
      if (event.pointerType !== "touch") this.board.hover(at);
      return;
    }
    if (this.down.size > 1) this.pinch(event.pointerId, before, at);
    this.down.set(event.pointerId, at);
    if (this.down.size === 1) this.follow(at);
  }

  release(event: PointerEvent): void {
    if (!this.down.delete(event.pointerId)) return;
    const { gesture, board } = this;
    this.gesture = null;
    if (gesture === null) return;
    const at = this.place(event);
    const click = gesture.kind === "press" || (gesture.kind === "pull" && !gesture.begun);
    if (click) board.tapped(at, { fresh: gesture.kind === "press" && gesture.fresh, reach: reachOf(event) });
    else if (gesture.kind !== "pan") board.settle();
    if (event.pointerType !== "touch") board.hover(at);
  }

  /** The browser took the pointer away, or it is to be forgotten. */
  lose(event: PointerEvent): void {
    if (this.down.delete(event.pointerId)) this.stop();
  }

  stop(): void {
    if (this.gesture === null) return;
    this.gesture = null;
    this.board.cancel();
  }

  wheel(event: WheelEvent): void {
    const { view } = this.board;
    if (view === null) return;
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.board.look(view.zoomed(Math.exp(-event.deltaY * lines * WHEEL * (event.ctrlKey ? 4 : 1)), this.place(event)));
  }

  private follow(at: Point): void {
    const { gesture, board } = this;
    if (gesture === null) return;
    if (gesture.kind === "pan") {
      this.pan([at[0] - gesture.last[0], at[1] - gesture.last[1]]);
      gesture.last = at;
      return;
    }
    if (gesture.kind === "pull") {
      gesture.begun ||= distance(gesture.from, at) >= SLOP;
      if (gesture.begun) board.pulled(gesture.handle, at);
      return;
    }
    if (gesture.kind === "press") this.begin(gesture, at);
    if (gesture.kind === "draw") board.drawn(gesture.from, at);
    if (gesture.kind === "move") board.dragged(gesture.from, at);
  }

  /** A press that has moved becomes what it was meant as. */
  private begin(gesture: Gesture & { kind: "press" | "draw" | "move" }, at: Point): void {
    const { board } = this;
    if (board.clicksDraw) board.hover(at);
    if (distance(gesture.from, at) < SLOP || board.clicksDraw) return;
    if (!gesture.fresh && board.overChosen(gesture.from)) gesture.kind = "move";
    else if (board.dragDraws) gesture.kind = "draw";
    else this.gesture = { kind: "pan", last: at };
  }

  private pan(by: Point): void {
    const { view } = this.board;
    if (view !== null) this.board.look(view.panned(by));
  }

  /** Two fingers: the image follows both. */
  private pinch(id: number, before: Point, at: Point): void {
    const other = [...this.down].find(([one]) => one !== id)?.[1];
    const { view } = this.board;
    if (other === undefined || view === null) return;
    const factor = distance(at, other) / (distance(before, other) || 1);
    const middle: Point = [(at[0] + other[0]) / 2, (at[1] + other[1]) / 2];
    const zoomed = view.zoomed(factor, middle);
    this.board.look(zoomed.fits ? zoomed : zoomed.panned([(at[0] - before[0]) / 2, (at[1] - before[1]) / 2]));
  }

  private place(event: MouseEvent): Point {
    const stage = this.stage();
    if (stage === null) return [0, 0];
    const { left, top } = stage.getBoundingClientRect();
    return [event.clientX - left - stage.clientLeft, event.clientY - top - stage.clientTop];
  }
}

const reachOf = (event: PointerEvent): number => (event.pointerType === "mouse" ? REACH.mouse : REACH.finger);
