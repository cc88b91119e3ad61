// The two shapes of marks: how each is drawn, pulled by its handles, written into the answer and read from it.
import type { Json } from "../element.ts";
import { clamp, doubledArea, FEWEST_POINTS, isSimple, within, withoutRepeats } from "./geometry.ts";
import type { Mark, Point, Size } from "./geometry.ts";
import type { Scale } from "./scale.ts";

export interface Handle {
  at: Point;
  /** How the pointer looks over it. */
  cursor: string;
  /** Stands between two points and makes a new one. */
  between?: boolean;
  /** The edge of the outline on which it stands: it needs room there. */
  edge?: number;
}

export interface Pull {
  handle: number;
  to: Point;
  size: Size;
  /** The least length of a side. */
  least: number;
}

export interface Shape {
  noun: string;
  nouns: string;
  outline(points: readonly Point[]): readonly Point[];
  handles(points: readonly Point[]): Handle[];
  /** The points after a handle was pulled, and which handle is then under the pointer. */
  pulled(points: readonly Point[], pull: Pull): { points: Point[]; handle: number };
  write(mark: Mark, scale: Scale): { [name: string]: Json };
  /** null for what is no such mark. */
  read(part: Json, scale: Scale): Mark | null;
  /** What keeps the server from taking it; "" when nothing does. */
  fault(written: { [name: string]: Json }, scale: Scale): string;
}

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

// Round the box from the upper left; which of its two corners' coordinates each moves.
const BOX_HANDLES = [
  { x: 0, y: 0, cursor: "nwse" },
  { x: null, y: 0, cursor: "ns" },
  { x: 1, y: 0, cursor: "nesw" },
  { x: 1, y: null, cursor: "ew" },
  { x: 1, y: 1, cursor: "nwse" },
  { x: null, y: 1, cursor: "ns" },
  { x: 0, y: 1, cursor: "nesw" },
  { x: 0, y: null, cursor: "ew" },
] as const;

const corners = (points: readonly Point[]): [Point, Point] => [points[0] as Point, points[1] as Point];

/** The box between two corners, whichever way it was drawn. */
export function boxBetween(one: Point, other: Point): Point[] {
  return [
    [Math.min(one[0], other[0]), Math.min(one[1], other[1])],
    [Math.max(one[0], other[0]), Math.max(one[1], other[1])],
  ];
}

export const boxShape: Shape = {
  noun: "box",
  nouns: "boxes",
  outline(points) {
    const [[left, top], [right, bottom]] = corners(points);
    return [[left, top], [right, top], [right, bottom], [left, bottom]];
  },
  handles(points) {
    const [[left, top], [right, bottom]] = corners(points);
    const place = (which: 0 | 1 | null, ends: Point) => (which === null ? (ends[0] + ends[1]) / 2 : ends[which]);
    return BOX_HANDLES.map(({ x, y, cursor }, index) => ({
      at: [place(x, [left, right]), place(y, [top, bottom])],
      cursor,
      ...(index % 2 === 1 && { edge: (index - 1) / 2 }),
    }));
  },
  pulled(points, { handle, to, size, least }) {
    let [[left, top], [right, bottom]] = corners(points);
    const { x, y } = BOX_HANDLES[handle] as (typeof BOX_HANDLES)[number];
    if (x === 0) left = clamp(to[0], 0, right - least);
    if (x === 1) right = clamp(to[0], left + least, size.width);
    if (y === 0) top = clamp(to[1], 0, bottom - least);
    if (y === 1) bottom = clamp(to[1], top + least, size.height);
    return { points: [[left, top], [right, bottom]], handle };
  },
  write({ label, points }, scale) {
    const [first, second] = corners(points);
    const [x, y] = [scale.toUnit(first[0], 0), scale.toUnit(first[1], 1)];
    const [width, height] = [scale.round(scale.toUnit(second[0], 0) - x), scale.round(scale.toUnit(second[1], 1) - y)];
    return { x, y, width, height, label };
  },
  read(part, scale) {
    if (part === null || typeof part !== "object" || Array.isArray(part)) return null;
    const { x, y, width, height, label } = part;
    if (!isNumber(x) || !isNumber(y) || !isNumber(width) || !isNumber(height)) return null;
    const first: Point = [scale.toPixels(x, 0), scale.toPixels(y, 1)];
    const second: Point = [scale.toPixels(x + width, 0), scale.toPixels(y + height, 1)];
    return { label: typeof label === "string" ? label : "", points: [first, second] };
  },
  fault({ width, height }) {
    return isNumber(width) && isNumber(height) && width > 0 && height > 0 ? "" : "has no area";
  },
};

const isPoint = (value: Json): value is [number, number] =>
  Array.isArray(value) && value.length === 2 && value.every(isNumber);

export const polygonShape: Shape = {
  noun: "outline",
  nouns: "outlines",
  outline: (points) => points,
  handles(points) {
    const between = points.map((point, index): Handle => {
      const next = points[(index + 1) % points.length] as Point;
      return { at: [(point[0] + next[0]) / 2, (point[1] + next[1]) / 2], cursor: "copy", between: true, edge: index };
    });
    return [...points.map((at): Handle => ({ at, cursor: "move" })), ...between];
  },
  pulled(points, { handle, to, size }) {
    const place = within(to, size);
    const count = points.length;
    if (handle < count) return { points: points.map((point, index) => (index === handle ? place : point)), handle };
    const after = handle - count + 1;
    return { points: [...points.slice(0, after), place, ...points.slice(after)], handle: after };
  },
  write({ label, points }, scale) {
    return { points: points.map(([x, y]) => [scale.toUnit(x, 0), scale.toUnit(y, 1)]), label };
  },
  read(part, scale) {
    if (part === null || typeof part !== "object" || Array.isArray(part)) return null;
    const { points, label } = part;
    if (!Array.isArray(points) || points.length < FEWEST_POINTS || !points.every(isPoint)) return null;
    const places = points.map(([x, y]): Point => [scale.toPixels(x, 0), scale.toPixels(y, 1)]);
    return { label: typeof label === "string" ? label : "", points: places };
  },
  fault({ points }, scale) {
    const exact = (points as [number, number][]).map(([x, y]): Point => [scale.whole(x), scale.whole(y)]);
    const outline = withoutRepeats(exact);
    if (outline.length < FEWEST_POINTS || doubledArea(outline) === 0) return "has no area or crosses itself";
    return isSimple(outline) ? "" : "crosses or touches itself";
  },
};
