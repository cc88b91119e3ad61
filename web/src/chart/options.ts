// A chart's specification turned into ECharts options: our colours, horizontal grid only, labels at the lines' ends.
import type { CustomSeriesRenderItem } from "echarts";
import type { EChartsCoreOption } from "echarts/core";
import { formatFigure, placesOf, scaleOf } from "./spec.ts";
import type { ChartSpec, Coordinate, Point, Series } from "./spec.ts";

export interface Palette {
  page: string;
  line: string;
  axis: string;
  ink: string;
  faint: string;
  bad: string;
  data: string[];
  font: string;
}

const NARROW_PX = 480;
const MOST_NAMED = 3;
/** More lines than these come too close for names at their ends: then the key above the plot has them. */
export const isCrowded = (spec: ChartSpec): boolean => spec.kind === "line" && spec.series.length > MOST_NAMED;
const LETTER_PX = 6.4;

const isCategorical = (spec: ChartSpec): boolean =>
  spec.kind === "bar" || spec.x.values !== undefined || spec.x.format === "text";

const colourOf = (palette: Palette, index: number): string => palette.data[index % palette.data.length] ?? palette.ink;

export function optionsOf(spec: ChartSpec, palette: Palette, width: number): EChartsCoreOption {
  const narrow = width < NARROW_PX;
  const text = { fontFamily: palette.font, fontSize: 11.5, color: palette.faint };
  return {
    animation: false, // ECharts would animate with a <style> element, which the CSP refuses
    textStyle: { fontFamily: palette.font },
    aria: { enabled: false }, // the element itself carries role and label
    grid: { left: 4, right: narrow ? 16 : roomAtTheEnd(spec), top: 22, bottom: 4, containLabel: true },
    tooltip: {
      trigger: spec.kind === "scatter" ? "item" : "axis",
      renderMode: "richText", // an HTML tooltip carries style attributes
      backgroundColor: palette.page,
      borderColor: palette.axis,
      borderWidth: 1,
      padding: 8,
      textStyle: { ...text, fontSize: 12, color: palette.ink },
      axisPointer: { type: spec.kind === "bar" ? "none" : "line", lineStyle: { color: palette.axis } },
      formatter: (hovered: unknown) => tooltipText(spec, hovered),
    },
    xAxis: xAxisOf(spec, palette, text, narrow),
    yAxis: yAxisOf(spec, palette, text),
    series: [
      ...spec.series.map((series, index) => seriesOf(spec, series, { index, palette, narrow })),
      ...spec.series.flatMap((series, index) => whiskersOf(spec, series, index, palette)),
      ...limitsOf(spec, palette),
    ],
  };
}

/** Room right of the last point for the longest end label. */
function roomAtTheEnd(spec: ChartSpec): number {
  if (spec.kind !== "line" || isCrowded(spec)) return 16;
  return Math.max(16, ...spec.series.map((series) => 14 + LETTER_PX * endLabel(spec, series).length));
}

/** One point is no line: it is marked and named where it stands. */
const isSpot = (series: Series): boolean => series.points.length === 1;

function endLabel(spec: ChartSpec, series: Series): string {
  const last = [...series.points].reverse().find((point) => point[1] !== null);
  return `${series.name} ${formatFigure(last?.[1], spec.y.format)}`.trim();
}

function xAxisOf(spec: ChartSpec, palette: Palette, text: object, narrow: boolean): object {
  const categorical = isCategorical(spec);
  const dates = spec.x.format === "date";
  return {
    type: categorical ? "category" : dates ? "time" : "value",
    ...(categorical ? { data: placesOf(spec).map(String), boundaryGap: spec.kind === "bar" } : { scale: true }),
    ...(spec.x.min === undefined ? {} : { min: spec.x.min }),
    ...(spec.x.max === undefined ? {} : { max: spec.x.max }),
    splitNumber: narrow ? 3 : 5,
    axisLine: { lineStyle: { color: palette.axis }, onZero: false },
    axisTick: { show: false },
    splitLine: { show: false },
    axisLabel: { ...text, hideOverlap: true, formatter: (value: Coordinate) => formatFigure(value, spec.x.format, true) },
  };
}

function yAxisOf(spec: ChartSpec, palette: Palette, text: object): object {
  const scale = scaleOf(spec);
  return {
    type: "value",
    min: scale.min,
    max: scale.max,
    interval: scale.step,
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: palette.line } },
    axisLabel: { ...text, formatter: (value: number) => formatFigure(Number(value.toPrecision(10)), spec.y.format, true) },
  };
}

/** Where a point stands along x: its number of place, its instant, or its value. */
function along(spec: ChartSpec, x: Coordinate): number {
  if (isCategorical(spec)) return placesOf(spec).indexOf(x);
  return spec.x.format === "date" ? new Date(x).getTime() : Number(x);
}

const drawn = (spec: ChartSpec, points: readonly Point[]): (number | null)[][] =>
  points.map((point) => [along(spec, point[0]), point[1]]);

interface Look {
  index: number;
  palette: Palette;
  narrow: boolean;
}

function seriesOf(spec: ChartSpec, series: Series, look: Look): object {
  const { index, palette, narrow } = look;
  const colour = colourOf(palette, index);
  const shared = { name: series.name, data: drawn(spec, series.points), emphasis: { disabled: true }, z: 3 };
  const label = { fontFamily: palette.font, fontSize: 11.5, fontWeight: 500 };
  if (spec.kind === "bar") {
    const few = spec.series.length === 1 && series.points.length <= 14;
    return {
      ...shared,
      type: "bar",
      barMaxWidth: 42,
      barCategoryGap: "45%",
      itemStyle: { color: colour, borderRadius: [2, 2, 0, 0] },
      label: {
        ...label,
        show: few,
        position: "top",
        color: palette.ink,
        // The axis says the currency already.
        formatter: ({ value }: { value: [number, number | null] }) =>
          value[1] ? formatFigure(value[1], spec.y.format).replace("$", "") : "–",
      },
    };
  }
  const dot = { symbol: "circle", itemStyle: { color: colour, borderColor: palette.page, borderWidth: 1.5 } };
  if (spec.kind === "scatter") {
    return { ...shared, ...dot, type: "scatter", symbolSize: 9, itemStyle: { ...dot.itemStyle, opacity: 0.6 } };
  }
  if (isSpot(series)) {
    const name = { ...label, show: !isCrowded(spec), position: "top", color: colour, formatter: () => endLabel(spec, series) };
    return { ...shared, ...dot, type: "line", symbol: "diamond", symbolSize: 13, label: name, labelLayout: { moveOverlap: "shiftY" } };
  }
  return {
    ...shared,
    ...dot,
    type: "line",
    symbolSize: 9,
    showSymbol: series.points.length <= 31,
    lineStyle: { color: colour, width: 2, cap: "round", join: "round" },
    endLabel: {
      ...label,
      show: !isCrowded(spec),
      color: colour,
      formatter: () => endLabel(spec, series),
      // On a phone there is no room beside the last point: the label stands over it.
      ...(narrow ? { distance: 0, align: "right", offset: [6, -14] } : { distance: 8 }),
    },
    labelLayout: { moveOverlap: "shiftY" },
  };
}

function whiskersOf(spec: ChartSpec, series: Series, index: number, palette: Palette): object[] {
  const data = series.points
    .filter((point) => typeof point[2] === "number" && typeof point[3] === "number")
    .map((point) => [along(spec, point[0]), point[2] as number, point[3] as number]);
  if (data.length === 0) return [];
  const style = { stroke: colourOf(palette, index), lineWidth: 1.25, opacity: 0.55 };
  const renderItem: CustomSeriesRenderItem = (_, api) => {
    const [x = 0, bottom = 0] = api.coord([api.value(0), api.value(1)]);
    const [, top = 0] = api.coord([api.value(0), api.value(2)]);
    return { type: "line", shape: { x1: x, x2: x, y1: bottom, y2: top }, style };
  };
  return [{ type: "custom", data, renderItem, silent: true, z: 2, encode: { x: 0, y: [1, 2] }, tooltip: { show: false } }];
}

/** Each limit is a dashed, named line; it hangs on an empty series, so that it needs no data of its own. */
function limitsOf(spec: ChartSpec, palette: Palette): object[] {
  if (!spec.limits?.length) return [];
  const data = spec.limits.map((limit) => {
    const color = limit.tone === "bad" ? palette.bad : palette.faint;
    const stands = limit.along === "x";
    const name = `${limit.name} ${formatFigure(limit.value, stands ? spec.x.format : spec.y.format)}`;
    const position = stands ? "insideStartBottom" : "insideStartTop";
    const label = { formatter: name, position, color, fontSize: 11.5, fontWeight: 500, fontFamily: palette.font };
    return { ...(stands ? { xAxis: limit.value } : { yAxis: limit.value }), lineStyle: { color, type: [3, 3], width: 1 }, label };
  });
  return [{ type: "line", data: [], silent: true, markLine: { symbol: "none", silent: true, animation: false, data } }];
}

interface Hovered {
  seriesName?: string;
  seriesType?: string;
  value?: [number, number | null];
}

function tooltipText(spec: ChartSpec, hovered: unknown): string {
  const all = (Array.isArray(hovered) ? hovered : [hovered]) as Hovered[];
  const shown = all.filter((one) => one.seriesType !== "custom" && Array.isArray(one.value));
  const at = shown[0]?.value?.[0];
  if (at === undefined) return "";
  const place = isCategorical(spec) ? placesOf(spec)[at] : at;
  const lines = shown.map((one) => `${one.seriesName ?? ""} ${formatFigure(one.value?.[1], spec.y.format)}`.trim());
  return [`${spec.x.label} ${formatFigure(place, spec.x.format)}`, ...lines].join("\n");
}
