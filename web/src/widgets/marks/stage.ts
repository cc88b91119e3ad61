// The stage: the image, and over it the marks in SVG. Each line has a dark halo, so it is seen on any image.
import { html, nothing, svg } from "lit";
import type { SVGTemplateResult, TemplateResult } from "lit";
import { boundsOf } from "./geometry.ts";
import type { Mark, Point } from "./geometry.ts";
import { nameOf, tintOf } from "./labels.ts";
import type { MarksElement } from "./marks_element.ts";
import type { View } from "./view.ts";

const LONGEST_TAG = 24;
/** On shorter edges there is no room for a handle in the middle. */
const ROOM = 36;
const HANDLE = 5;
const LEAST_HANDLE = 3.5;

export function stageOf(widget: MarksElement): TemplateResult {
  const { item, pointers, view, shape, shown, disabled } = widget;
  const count = `${shown.length} ${shown.length === 1 ? shape.noun : shape.nouns}`;
  return html`<div class="stage marks-stage" role="application" tabindex="0" dir="ltr"
    aria-label="Image to be labelled, ${count}" data-cursor=${widget.panning ? "grab" : widget.cursor}
    @pointerdown=${(event: PointerEvent) => !disabled && pointers.press(event)}
    @pointermove=${(event: PointerEvent) => !disabled && pointers.move(event)}
    @pointerup=${(event: PointerEvent) => pointers.release(event)}
    @pointercancel=${(event: PointerEvent) => pointers.lose(event)}
    @pointerleave=${() => widget.hover(null)}
    @wheel=${(event: WheelEvent) => pointers.wheel(event)}
  >
    ${item?.image_url
      ? html`<img class="marks-image ${view ? "" : "waiting"}" src=${item.image_url} alt="" draggable="false"
          @load=${(event: Event) => widget.imageCame(event.target as HTMLImageElement)} @error=${() => widget.imageFailed()} />`
      : nothing}
    ${view ? html`<svg class="marks-over" role="group" aria-label=${count}>${drawn(widget, view)}</svg>` : nothing}
    ${widget.failed ? html`<p class="marks-failed" role="alert">The image could not be loaded. Reload the page, or say below
      that the item can’t be answered.</p>` : nothing}
    ${!widget.failed && !view ? html`<span class="vh" role="status">Fetching the image</span>` : nothing}
  </div>`;
}

function drawn(widget: MarksElement, view: View): SVGTemplateResult {
  const { shown, chosen } = widget;
  // The names are no part of the buttons: what a button is called says more than the digit on it.
  return svg`${shown.map((mark, index) => markOf(widget, { mark, index, view }))}
    <g aria-hidden="true">${shown.map((mark, index) => tagOf(widget, { mark, index, view }))}</g>
    ${shown[chosen] ? handlesOf(widget, { mark: shown[chosen], view }) : nothing}
    ${widget.sketch ? sketchOf(widget, view) : nothing}`;
}

interface Drawn {
  mark: Mark;
  index: number;
  view: View;
}

const path = (points: readonly Point[]): string => points.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join(" ");

function markOf(widget: MarksElement, { mark, index, view }: Drawn): SVGTemplateResult {
  const outline = widget.shape.outline(mark.points).map((point) => view.toScreen(point));
  const on = index === widget.chosen;
  const points = path(outline);
  return svg`<g class="mark ${tintOf(widget.labels, mark.label)} ${on ? "on" : ""} ${mark.label ? "" : "nameless"}"
    role="button" tabindex="0" data-index=${index} aria-pressed=${on ? "true" : "false"} aria-label=${widget.placeOf(index)}
    @focus=${() => reached(widget, { mark, index, view })} @click=${() => widget.choose(index)}>
    ${on ? svg`<polygon class="fill" points=${points}></polygon>` : nothing}
    <polygon class="halo" points=${points}></polygon><polygon class="edge" points=${points}></polygon>
  </g>`;
}

/** Tab has come to a mark: it is chosen, and the image moves if it is out of sight. */
function reached(widget: MarksElement, { mark, index, view }: Drawn): void {
  if (index === widget.chosen) return;
  widget.choose(index);
  const { left, top, right, bottom } = boundsOf(mark.points);
  widget.look(view.showing([(left + right) / 2, (top + bottom) / 2]));
}

/** The chosen mark has its name above it, the others their label's digit: colours alone would not do. */
function tagOf(widget: MarksElement, { mark, index, view }: Drawn): SVGTemplateResult | typeof nothing {
  const { labels } = widget;
  const { left, top, bottom } = boundsOf(mark.points.map((point) => view.toScreen(point)));
  const label = labels.find(({ value }) => value === mark.label);
  const on = index === widget.chosen;
  if (!on && labels.length === 1) return nothing;
  const name = label ? `${shortened(nameOf(labels, mark.label))} ${index + 1}` : "No label yet";
  const words = on ? name : label ? label.key || shortened(label.label) : "?";
  const above = top > 22;
  const y = on ? (above ? top - 8 : bottom + 19) : top + 16;
  return svg`<text class="tag" x=${(on ? left : left + 6).toFixed(1)} y=${y.toFixed(1)}>${words}</text>`;
}

function handlesOf(widget: MarksElement, { mark, view }: Omit<Drawn, "index">): SVGTemplateResult {
  const points = widget.shape.outline(mark.points).map((point) => view.toScreen(point));
  const handles = widget.shape.handles(mark.points);
  const { left, top, right, bottom } = boundsOf(points);
  const usual = Math.min(HANDLE, Math.max(LEAST_HANDLE, Math.min(right - left, bottom - top) / 6));
  return svg`<g class="handles" aria-hidden="true">${handles.map(({ at, between, edge }, index) => {
    const [x, y] = view.toScreen(at);
    if (!hasRoom(points, edge)) return nothing;
    if (between) return svg`<circle class="handle between" cx=${x.toFixed(1)} cy=${y.toFixed(1)} r="3.5"></circle>`;
    const half = index === widget.corner ? usual + 2 : usual;
    return svg`<rect class="handle ${index === widget.corner ? "on" : ""}" x=${(x - half).toFixed(1)} y=${(y - half).toFixed(1)}
      width=${2 * half} height=${2 * half} rx="2"></rect>`;
  })}</g>`;
}

/** Whether a handle has room on the outline as it is on the screen. */
export function hasRoom(points: readonly Point[], edge: number | undefined): boolean {
  if (edge === undefined) return true;
  const [start, end] = [points[edge], points[(edge + 1) % points.length]];
  return !!start && !!end && Math.hypot(end[0] - start[0], end[1] - start[1]) >= ROOM;
}

function sketchOf(widget: MarksElement, view: View): SVGTemplateResult {
  const points = (widget.sketch ?? []).map((point) => view.toScreen(point));
  const tip = widget.tip && view.toScreen(widget.tip);
  const line = path(tip ? [...points, tip] : points);
  return svg`<g class="mark sketch" aria-hidden="true">
    <polyline class="halo" points=${line}></polyline><polyline class="edge" points=${line}></polyline>
    ${points.map(([x, y], index) => svg`<circle class="handle ${index === 0 ? "first" : ""}"
      cx=${x.toFixed(1)} cy=${y.toFixed(1)} r=${index === 0 ? 7 : 4}></circle>`)}
    ${widget.crosshair && tip ? crossOf(tip) : nothing}
  </g>`;
}

function crossOf([x, y]: Point): SVGTemplateResult {
  const lines = `M${x - 14} ${y}h28M${x} ${y - 14}v28`;
  return svg`<path class="halo" d=${lines}></path><path class="edge" d=${lines}></path>`;
}

const shortened = (words: string): string => {
  const letters = [...words];
  return letters.length > LONGEST_TAG ? `${letters.slice(0, LONGEST_TAG - 1).join("")}…` : words;
};
