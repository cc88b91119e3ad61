// Where the person is in the text: the word under the caret, and the words from an anchor to it.
import type { Grain, Stretch, Words } from "./words.ts";

export class Caret {
  private anchor: Stretch | null = null;
  private head: Stretch | null = null;
  /** False once a selection was marked or let go: the place stays, so that the next arrow goes on from there. */
  private active = false;

  get selection(): Stretch | null {
    const { anchor, head } = this;
    if (!this.active || !anchor || !head) return null;
    const [start, end] = [Math.min(anchor.start, head.start), Math.max(anchor.end, head.end)];
    return start < end ? { start, end } : null;
  }

  /** The last place, selected or not. */
  get place(): Stretch | null {
    return this.head;
  }

  forget(): void {
    this.anchor = this.head = null;
    this.active = false;
  }

  /** Lets go of the selection without leaving the place. */
  rest(at?: Stretch): void {
    if (at) this.anchor = this.head = at;
    this.active = false;
  }

  select(anchor: Stretch, head: Stretch): void {
    this.anchor = anchor;
    this.head = head;
    this.active = true;
  }

  /** Goes to this step, taking in all from the anchor if it `extends` a selection. */
  go(to: Stretch | undefined, extend: boolean): boolean {
    if (!to) return false;
    this.select(extend && this.active && this.anchor ? this.anchor : to, to);
    return true;
  }

  /** Takes one step in the order of the text. */
  step(words: Words, { forward, extend, grain }: { forward: boolean; extend: boolean; grain: Grain }): boolean {
    const { head } = this;
    if (!head) return this.go(words.after(0, grain), false);
    return this.go(forward ? words.after(head.end, grain) : words.before(head.start, grain), extend);
  }
}
