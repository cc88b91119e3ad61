// An order that grows, is changed, and can be taken back step by step: the logic of <ch-ranking>, without the page.

/** Puts a value at a place; as it was when there are `most` already. A list of all but one is complete with that one. */
export function placed(order: readonly string[], value: string, at: number, within: Limits): readonly string[] {
  const others = order.filter((one) => one !== value);
  if (others.length >= within.most) return order;
  const next = [...others.slice(0, at), value, ...others.slice(at)];
  const left = within.all.filter((one) => !next.includes(one));
  const grew = next.length > order.length;
  return grew && within.fewest === within.all.length && left.length === 1 ? [...next, ...left] : next;
}

export interface Limits {
  all: readonly string[];
  fewest: number;
  most: number;
}

/** Returns those values of an answer that are options, each once: a draft may be of an older question. */
export function orderOf(answer: unknown, all: readonly string[]): readonly string[] {
  if (!Array.isArray(answer)) return [];
  const known = answer.filter((one): one is string => typeof one === "string" && all.includes(one));
  return [...new Set(known)];
}

/** What can be taken back and done again. */
export class Steps<T> {
  private past: T[] = [];
  private future: T[] = [];

  /** Notes what there was before a step. */
  note(before: T): void {
    this.past.push(before);
    this.future = [];
  }

  undo(now: T): T | undefined {
    const before = this.past.pop();
    if (before !== undefined) this.future.push(now);
    return before;
  }

  redo(now: T): T | undefined {
    const after = this.future.pop();
    if (after !== undefined) this.past.push(now);
    return after;
  }

  forget(): void {
    this.past = [];
    this.future = [];
  }
}
