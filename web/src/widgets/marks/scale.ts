// Between pixels of the image and the unit that the question's answers count in, rounded as the server rounds.
import { clamp } from "./geometry.ts";
import type { Point, Size } from "./geometry.ts";

// As EXTENTS and DIGITS in inference/scales.py; pixels go as far as the image.
const DIGITS: Readonly<Record<string, number>> = { fraction: 6, percent: 4, pixel: 2 };
const EXTENTS: Readonly<Record<string, number>> = { fraction: 1, percent: 100 };

export class Scale {
  readonly digits: number;
  private readonly most: Point;
  private readonly sides: Point;

  constructor(unit: unknown, size: Size) {
    const name = typeof unit === "string" && unit in DIGITS ? unit : "fraction";
    this.digits = DIGITS[name] as number;
    this.sides = [size.width, size.height];
    const extent = EXTENTS[name];
    this.most = extent === undefined ? this.sides : [extent, extent];
  }

  /** A coordinate of the image as the answer has it. */
  toUnit(pixels: number, axis: 0 | 1): number {
    return this.round(clamp(this.round((pixels * this.most[axis]) / this.sides[axis]), 0, this.most[axis]));
  }

  toPixels(value: number, axis: 0 | 1): number {
    return (value * this.sides[axis]) / this.most[axis];
  }

  round(value: number): number {
    return Number(value.toFixed(this.digits));
  }

  /** A number in whole units of the last digit, where sums and products are exact. */
  whole(value: number): number {
    return Math.round(value * 10 ** this.digits);
  }
}
