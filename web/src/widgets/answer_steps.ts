// The steps within one answer: what Ctrl+Z takes back and Ctrl+Shift+Z does again.

const MOST = 300;

export class AnswerSteps<State> {
  private past: State[] = [];
  private future: State[] = [];

  /** Whether something was done here, even if all of it is taken back by now. */
  get any(): boolean {
    return this.past.length + this.future.length > 0;
  }

  /** Another item: what was done to the one before cannot be taken back here. */
  clear(): void {
    this.past = [];
    this.future = [];
  }

  /** Keeps how it was before a change. */
  keep(before: State): void {
    this.past.push(before);
    if (this.past.length > MOST) this.past.shift();
    this.future = [];
  }

  /** Returns how it was a step ago; undefined at the beginning. */
  back(now: State): State | undefined {
    const before = this.past.pop();
    if (before !== undefined) this.future.push(now);
    return before;
  }

  /** Returns how it was before the last step back; undefined when there is none. */
  forth(now: State): State | undefined {
    const after = this.future.pop();
    if (after !== undefined) this.past.push(now);
    return after;
  }
}
