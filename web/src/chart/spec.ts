// What a page writes inside <ch-chart>, and how its figures are written in words.

export type Format = "number" | "money" | "percent" | "date" | "text";
export type Coordinate = number | string;
/** [x, y] or [x, y, low, high]: the interval of an estimate. A missing value is null. */
export type Point = [Coordinate, number | null, (number | null)?, (number | null)?];

export interface Axis {
  label: string;
  format: Format;
  /** The places along x, in order; without them numbers and dates are drawn to scale. */
  values?: Coordinate[];
  min?: number;
  max?: number;
}

export interface Series {
  name: string;
  points: Point[];
}

/** A dashed, named line across at a value of y; with `along: "x"` one that stands at a value of x. */
export interface Limit {
  name: string;
  value: number;
  tone?: "bad";
  along?: "x";
}

export interface ChartSpec {
  kind: "line" | "bar" | "scatter";
  title: string;
  description: string;
  x: Axis;
  y: Axis;
  series: Series[];
  limits?: Limit[];
}

const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

/** `short` is for axes, where a round amount needs no cents and a large number may be cut. */
export function formatFigure(value: Coordinate | null | undefined, format: Format, short = false): string {
  if (value === null || value === undefined) return "–";
  if (format === "text") return String(value);
  if (format === "date") {
    const at = new Date(value);
    return Number.isNaN(at.getTime()) ? String(value) : day.format(at);
  }
  const figure = Number(value);
  if (Number.isNaN(figure)) return String(value);
  if (format === "percent") return `${trim(figure * 100, short ? 0 : 1, 1)}%`;
  const sign = figure < 0 ? "−" : "";
  const size = Math.abs(figure);
  if (format === "money") return `${sign}$${short && Number.isInteger(size) ? trim(size, 0, 0) : trim(size, 2, 3)}`;
  if (short && size >= 1e6) return `${sign}${trim(size / 1e6, 0, 1)} M`;
  return sign + trim(size, 0, 3);
}

const trim = (value: number, least: number, most: number): string =>
  value.toLocaleString("en-US", { minimumFractionDigits: least, maximumFractionDigits: most });

/** The places along x: those given, else every x that occurs, in order. */
export function placesOf(spec: ChartSpec): Coordinate[] {
  if (spec.x.values) return spec.x.values;
  const all = [...new Set(spec.series.flatMap((series) => series.points.map((point) => point[0])))];
  return all.sort((one, other) => (one < other ? -1 : one > other ? 1 : 0));
}

export interface Scale {
  min: number;
  max: number;
  step: number;
}

/** Round ends and at most five steps. Bars start at zero; lines may be cut, limits always fit in. */
export function scaleOf(spec: ChartSpec): Scale {
  const figures = spec.series.flatMap((series) => series.points.flatMap((point) => point.slice(1) as (number | null)[]));
  figures.push(...(spec.limits ?? []).filter((limit) => limit.along !== "x").map((limit) => limit.value));
  const known = figures.filter((figure): figure is number => typeof figure === "number");
  const fromZero = spec.kind === "bar" || spec.y.format === "money";
  const low = spec.y.min ?? Math.min(...known, fromZero ? 0 : Infinity);
  const high = spec.y.max ?? Math.max(...known, fromZero ? 0 : -Infinity);
  if (!Number.isFinite(low) || !Number.isFinite(high)) return { min: 0, max: 1, step: 0.25 };
  const span = high - low || Math.abs(high) || 1;
  const raw = span / 5;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * unit >= raw * 0.999) ?? 10) * unit;
  const min = spec.y.min ?? Math.floor(low / step + 1e-9) * step;
  let max = spec.y.max ?? Math.ceil(high / step - 1e-9) * step;
  if (spec.y.format === "percent" && high <= 1) max = Math.min(max, 1);
  return { min, max: max > min ? max : min + step, step };
}
