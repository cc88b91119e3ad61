// Points and outlines on an image: what contains what, and whether an outline is one the server takes.

export type Point = readonly [x: number, y: number];

export interface Size {
  width: number;
  height: number;
}

/** A mark in pixels of the original image: a box by two corners, a polygon by all of its points. */
export interface Mark {
  /** The label's value; "" until it has one. */
  label: string;
  points: readonly Point[];
}

export const FEWEST_POINTS = 3;

export const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);

export const distance = (one: Point, other: Point): number => Math.hypot(one[0] - other[0], one[1] - other[1]);

export function within([x, y]: Point, size: Size): Point {
  return [clamp(x, 0, size.width), clamp(y, 0, size.height)];
}

export interface Bounds {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export function boundsOf(points: readonly Point[]): Bounds {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
}

/** Moves all points alike, as far as the image goes. */
export function moved(points: readonly Point[], by: Point, size: Size): Point[] {
  const { left, top, right, bottom } = boundsOf(points);
  const dx = clamp(by[0], -left, size.width - right);
  const dy = clamp(by[1], -top, size.height - bottom);
  return points.map(([x, y]) => [x + dx, y + dy]);
}

export function contains(outline: readonly Point[], [x, y]: Point): boolean {
  let inside = false;
  outline.forEach(([x1, y1], index) => {
    const [x2, y2] = outline[(index + 1) % outline.length] as Point;
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  });
  return inside;
}

/** How far a point lies from the outline's nearest edge. */
export function edgeDistance(outline: readonly Point[], at: Point): number {
  const each = outline.map((start, index) => {
    const end = outline[(index + 1) % outline.length] as Point;
    const length = distance(start, end) ** 2;
    const along = ((at[0] - start[0]) * (end[0] - start[0]) + (at[1] - start[1]) * (end[1] - start[1])) / (length || 1);
    const share = clamp(along, 0, 1);
    return distance(at, [start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])]);
  });
  return Math.min(...each);
}

/** Twice the area, with a sign for the way round. */
export function doubledArea(points: readonly Point[]): number {
  return points.reduce((sum, [x1, y1], index) => {
    const [x2, y2] = points[(index + 1) % points.length] as Point;
    return sum + x1 * y2 - x2 * y1;
  }, 0);
}

/** Leaves out points that repeat the one before. */
export function withoutRepeats(points: readonly Point[]): Point[] {
  return points.filter((point, index) => {
    const before = points.at(index - 1) as Point;
    return points.length === 1 || point[0] !== before[0] || point[1] !== before[1];
  });
}

const turn = (a: Point, b: Point, c: Point): number =>
  Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));

/** Says whether two edges share a point. */
function meet([a, b]: [Point, Point], [c, d]: [Point, Point]): boolean {
  const sides = [turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b)] as const;
  if (sides[0] === 0 && sides[1] === 0) {
    const overlap = (axis: 0 | 1) =>
      Math.min(a[axis], b[axis]) <= Math.max(c[axis], d[axis]) && Math.min(c[axis], d[axis]) <= Math.max(a[axis], b[axis]);
    return overlap(0) && overlap(1);
  }
  return sides[0] * sides[1] <= 0 && sides[2] * sides[3] <= 0;
}

/** Says, as inference/outlines.py does, whether no two edges cross or touch but neighbours at their common point. */
export function isSimple(points: readonly Point[]): boolean {
  const count = points.length;
  if (count < FEWEST_POINTS || new Set(points.map(String)).size < count) return false;
  const edges = points.map((start, index): [Point, Point] => [start, points[(index + 1) % count] as Point]);
  return edges.every((edge, index) => {
    const after = edges[(index + 1) % count] as [Point, Point];
    if (turn(edge[0], edge[1], after[1]) === 0) {
      const onward = (edge[1][0] - edge[0][0]) * (after[1][0] - after[0][0]) +
        (edge[1][1] - edge[0][1]) * (after[1][1] - after[0][1]);
      if (onward < 0) return false;
    }
    return edges.every((other, place) => {
      const gap = Math.abs(index - place);
      return gap <= 1 || gap >= count - 1 || !meet(edge, other);
    });
  });
}
