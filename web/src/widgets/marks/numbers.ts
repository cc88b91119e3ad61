// The chosen mark in numbers, in pixels of the original image: x, y, width and height, or one point after another.
import { html, nothing } from "lit";
import type { TemplateResult } from "lit";
import { live } from "lit/directives/live.js";
import { clamp, FEWEST_POINTS } from "./geometry.ts";
import type { Mark, Point, Size } from "./geometry.ts";
import { tidy } from "./marks_answer.ts";
import type { MarksElement } from "./marks_element.ts";
import type { PolygonsElement } from "../polygons.ts";

const LEAST_SIDE = 0.1;

interface Field {
  name: string;
  value: number;
  most: number;
  least?: number;
  take(value: number): Point[];
}

export function numbersOf(widget: MarksElement): TemplateResult | typeof nothing {
  const { shown, chosen, size } = widget;
  const mark = shown[chosen];
  if (mark === undefined || size === null) return nothing;
  const box = widget.shape.noun === "box";
  return html`<section class="marks-chosen" aria-label="The chosen ${widget.shape.noun}">
    <h2><span class="clip"><bdi>${widget.titleOf(chosen)}</bdi></span>
      <button type="button" class="btn quiet" ?disabled=${widget.disabled} @click=${() => removed(widget)}
        >Remove${widget.corner >= 0 && mark.points.length > FEWEST_POINTS ? " point" : ""} <kbd aria-hidden="true">Del</kbd></button></h2>
    ${box ? html`<div class="xywh">${boxFields(mark, size).map((field) => input(widget, field))}</div>` : pointsOf(widget as PolygonsElement, mark, size)}
  </section>`;
}

function removed(widget: MarksElement): void {
  widget.removeChosen("pointer");
  widget.focusChosen();
}

export function boxFields(mark: Mark, size: Size): Field[] {
  const [[left, top], [right, bottom]] = mark.points as readonly [Point, Point];
  const [width, height] = [right - left, bottom - top];
  const at = (x: number, y: number): Point[] => [[x, y], [x + width, y + height]];
  return [
    { name: "x", value: left, most: size.width - width, take: (x) => at(x, top) },
    { name: "y", value: top, most: size.height - height, take: (y) => at(left, y) },
    { name: "width", value: width, least: LEAST_SIDE, most: size.width - left, take: (side) => [[left, top], [left + side, bottom]] },
    { name: "height", value: height, least: LEAST_SIDE, most: size.height - top, take: (side) => [[left, top], [right, top + side]] },
  ];
}

function pointsOf(widget: PolygonsElement, mark: Mark, size: Size): TemplateResult {
  const { corner } = widget;
  const point = mark.points[corner];
  const moved = (to: Point): Point[] => mark.points.map((one, index) => (index === corner ? to : one));
  const fields: Field[] = point
    ? [
        { name: "x", value: point[0], most: size.width, take: (x) => moved([x, point[1]]) },
        { name: "y", value: point[1], most: size.height, take: (y) => moved([point[0], y]) },
      ]
    : [];
  return html`<div class="marks-turn">
      <button type="button" class="btn" aria-label="Previous point" @click=${() => widget.turnTo(-1)}>‹ <kbd aria-hidden="true">,</kbd></button>
      <span class="grow">${point ? `Point ${corner + 1} of ${mark.points.length}` : `${mark.points.length} points`}</span>
      <button type="button" class="btn" aria-label="Next point" @click=${() => widget.turnTo(1)}>› <kbd aria-hidden="true">.</kbd></button>
    </div>
    <div class="xywh">${fields.map((field) => input(widget, field))}
      ${point ? html`<button type="button" class="btn wide-cell" @click=${() => widget.insert(corner)}>Add a point <kbd aria-hidden="true">A</kbd></button>` : nothing}</div>`;
}

function input(widget: MarksElement, field: Field): TemplateResult {
  const take = (event: Event): void => {
    const given = event.target as HTMLInputElement;
    const value = Number(given.value.replace(",", "."));
    if (given.value.trim() !== "" && Number.isFinite(value)) {
      widget.change(field.take(clamp(value, field.least ?? 0, field.most)), "typing");
    }
    widget.requestUpdate(); // what is no number, or beyond the image, is put right
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    if (event.key === "Enter") take(event);
    widget.focusChosen();
  };
  return html`<label>${field.name}<input type="number" inputmode="decimal" step="any" min=${field.least ?? 0} max=${tidy(field.most)}
    .value=${live(tidy(field.value))} ?disabled=${widget.disabled} @change=${take} @keydown=${onKey} /></label>`;
}
