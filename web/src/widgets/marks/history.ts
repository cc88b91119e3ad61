// The steps of one answer, back and forth.

const MOST_STEPS = 200;
const SAME_MOVE_MS = 1000;

export class History<State> {
  private past: State[] = [];
  private future: State[] = [];
  private lastMove = "";
  private lastAt = -Infinity;

  /** Notes the state before a step. Steps of one name in quick succession (ten nudges) are one. */
  note(before: State, move: string, now: number): void {
    const same = move !== "" && move === this.lastMove && now - this.lastAt < SAME_MOVE_MS && this.past.length > 0;
    if (!same) this.past = [...this.past.slice(1 - MOST_STEPS), before];
    this.future = [];
    this.lastMove = move;
    this.lastAt = now;
  }

  back(current: State): { state: State } | null {
    return this.step(this.past, this.future, current);
  }

  forth(current: State): { state: State } | null {
    return this.step(this.future, this.past, current);
  }

  get canGoBack(): boolean {
    return this.past.length > 0;
  }

  get canGoForth(): boolean {
    return this.future.length > 0;
  }

  clear(): void {
    this.past = [];
    this.future = [];
    this.lastMove = "";
  }

  private step(from: State[], to: State[], current: State): { state: State } | null {
    if (from.length === 0) return null;
    const state = from.pop() as State;
    to.push(current);
    this.lastMove = "";
    return { state };
  }
}
