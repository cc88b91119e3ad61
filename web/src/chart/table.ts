// The same figures as a table: for those who cannot or would rather not read the drawing.
import { formatFigure, placesOf } from "./spec.ts";
import type { ChartSpec, Point, Series } from "./spec.ts";

export function tableOf(spec: ChartSpec): HTMLTableElement {
  const table = document.createElement("table");
  const caption = table.createCaption();
  caption.className = "vh";
  caption.textContent = `${spec.title}: ${spec.description}`;
  const head = table.createTHead().insertRow();
  addCell(head, "th", spec.x.label).scope = "col";
  for (const series of spec.series) {
    const name = spec.series.length === 1 && !series.name ? spec.y.label : series.name;
    addCell(head, "th", name, "n").scope = "col";
  }
  const body = table.createTBody();
  for (const place of placesOf(spec)) {
    const row = body.insertRow();
    addCell(row, "th", formatFigure(place, spec.x.format)).scope = "row";
    for (const series of spec.series) addFigure(row, spec, pointAt(series, place));
  }
  for (const limit of spec.limits ?? []) {
    const row = (table.tFoot ?? table.createTFoot()).insertRow();
    addCell(row, "th", limit.name).scope = "row";
    addCell(row, "td", formatFigure(limit.value, limit.along === "x" ? spec.x.format : spec.y.format), "n").colSpan = spec.series.length;
  }
  return table;
}

const pointAt = (series: Series, place: Point[0]): Point | undefined =>
  series.points.find((point) => point[0] === place);

function addFigure(row: HTMLTableRowElement, spec: ChartSpec, point: Point | undefined): void {
  const [, value, low, high] = point ?? [null, null];
  const cell = addCell(row, "td", formatFigure(value, spec.y.format), "n");
  if (typeof low !== "number" || typeof high !== "number") return;
  const interval = document.createElement("span");
  interval.className = "faint wide";
  interval.textContent = ` ${formatFigure(low, spec.y.format)} to ${formatFigure(high, spec.y.format)}`;
  cell.append(interval);
}

function addCell(row: HTMLTableRowElement, tag: "th" | "td", text: string, className = ""): HTMLTableCellElement {
  const cell = document.createElement(tag);
  if (className) cell.className = className;
  cell.textContent = text;
  row.append(cell);
  return cell;
}
