// Offsets as the server counts them: Unicode code points. A browser counts UTF-16 units: an emoji is two of those.

/** Turns one text's offsets from one count into the other; a text without surrogate pairs costs nothing. */
export class Offsets {
  /** Where the second half of every pair stands, in UTF-16 units. */
  private readonly lows: number[] = [];

  constructor(private readonly text: string) {
    for (let at = 1; at < text.length; at += 1) {
      if (isLow(text.charCodeAt(at)) && isHigh(text.charCodeAt(at - 1))) {
        this.lows.push(at);
        at += 1; // the second half of one pair cannot begin another
      }
    }
  }

  /** How many code points the text has. */
  get length(): number {
    return this.text.length - this.lows.length;
  }

  /** The code points before a UTF-16 offset. */
  toPoints(units: number): number {
    return units - countBelow(this.lows, (low) => low < units);
  }

  /** The UTF-16 offset at which this many code points have passed. */
  toUnits(points: number): number {
    // the n-th pair's second half stands before the wanted place if its own code point does
    return points + countBelow(this.lows, (low, before) => low - 1 - before < points);
  }
}

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

/** How many from the start hold: all that hold come first. */
function countBelow(sorted: readonly number[], holds: (value: number, index: number) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(sorted[middle] as number, middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
