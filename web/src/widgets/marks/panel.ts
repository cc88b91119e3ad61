// Beside the stage: labels and tools above it, what else there is to say below, the list and the numbers at its side.
import { html, nothing, svg } from "lit";
import type { SVGTemplateResult, TemplateResult } from "lit";
import { live } from "lit/directives/live.js";
import { boundsOf } from "./geometry.ts";
import { nameOf, tintOf } from "./labels.ts";
import { ZOOM_STEP } from "./keys.ts";
import { tidy } from "./marks_answer.ts";
import type { MarksElement } from "./marks_element.ts";
import { numbersOf } from "./numbers.ts";
import type { PolygonsElement } from "../polygons.ts";

const glass = svg`<circle cx="9" cy="9" r="5"></circle>`;
const icons = {
  box: svg`<path d="M4.500 5.500h11v9h-11z"></path>`,
  outline: svg`<path d="M4 13 6 5l9-1 2 8-7 4z"></path>`,
  pan: svg`<path d="M10 3.500v13M3.500 10h13M8 5.500l2-2 2 2M8 14.500l2 2 2-2M5.500 8l-2 2 2 2M14.500 8l2 2-2 2"></path>`,
  larger: svg`${glass}<path d="m13 13 4 4M9 7v4M7 9h4"></path>`,
  smaller: svg`${glass}<path d="m13 13 4 4M7 9h4"></path>`,
  back: svg`<path d="M4 8h8a4 4 0 0 1 0 8H8M4 8l3.500-3.500M4 8l3.500 3.500"></path>`,
  forth: svg`<path d="M16 8H8a4 4 0 0 0 0 8h4M16 8l-3.500-3.500M16 8l-3.500 3.500"></path>`,
  fit: svg`<path d="M4 8V4h4M12 4h4v4M16 12v4h-4M8 16H4v-4"></path>`,
};

const icon = (drawing: SVGTemplateResult): TemplateResult =>
  html`<svg class="i" viewBox="0 0 20 20" aria-hidden="true">${drawing}</svg>`;

interface Tool {
  name: string | TemplateResult;
  key: string;
  icon: SVGTemplateResult;
  run: () => void;
  pressed?: boolean;
  off?: boolean;
  /** `always`: the icon alone; `phone`: on narrow screens. */
  wordless?: "always" | "phone";
}

function tool(widget: MarksElement, { name, key, icon: drawing, run, pressed, off, wordless }: Tool): TemplateResult {
  return html`<button type="button" class="btn quiet" title=${wordless && typeof name === "string" ? name : nothing}
    ?disabled=${widget.disabled || off === true}
    aria-pressed=${pressed === undefined ? nothing : pressed ? "true" : "false"} @click=${run}>
    ${icon(drawing)}<span class=${wordless === "always" ? "vh" : (wordless ?? "")}>${name}</span>
    ${key ? html`<kbd aria-hidden="true">${key}</kbd>` : nothing}</button>`;
}

export function toolsOf(widget: MarksElement): TemplateResult {
  const { noun } = widget.shape;
  return html`<div class="marks-tools">
    ${labelsOf(widget)}
    <div class="marks-buttons" role="group" aria-label="Tools">
      ${tool(widget, { name: html`New<span class="phone"> ${noun}</span>`, key: "B", icon: noun === "box" ? icons.box : icons.outline, run: () => widget.begin() })}
      ${tool(widget, { name: "Pan", key: "Space", icon: icons.pan, run: () => togglePan(widget), pressed: widget.panOn, wordless: "phone" })}
      ${tool(widget, { name: "Zoom in", key: "+", icon: icons.larger, run: () => widget.zoom(ZOOM_STEP), wordless: "always" })}
      ${tool(widget, { name: "Zoom out", key: "−", icon: icons.smaller, run: () => widget.zoom(1 / ZOOM_STEP), wordless: "always" })}
      ${tool(widget, { name: "Fit", key: "F", icon: icons.fit, run: () => widget.fit(), wordless: "phone" })}
      <span class="faint zoomed">${widget.view ? `${Math.round(widget.view.zoom * 100)}%` : ""}</span>
      ${tool(widget, { name: "Take back", key: "", icon: icons.back, run: () => widget.undo(), off: !widget.canUndo, wordless: "always" })}
      ${tool(widget, { name: "Do again", key: "", icon: icons.forth, run: () => widget.redo(), off: !widget.canRedo, wordless: "always" })}
    </div>
  </div>`;
}

function togglePan(widget: MarksElement): void {
  widget.panOn = !widget.panOn;
  widget.requestUpdate();
}

/** One label needs no choosing. None is pressed before the person has said it: nothing is suggested. */
function labelsOf(widget: MarksElement): TemplateResult | typeof nothing {
  const { labels, chosen, shown } = widget;
  if (labels.length < 2) return nothing;
  const now = shown[chosen]?.label ?? widget.nextLabel;
  const more = labels.filter(({ key }) => key === "");
  return html`<div class="marks-labels" role="group" aria-label="Label of the ${widget.shape.noun}">
    ${labels.filter(({ key }) => key !== "").map(({ value, label, key }) => html`<button type="button" class="btn type"
      aria-pressed=${value === now ? "true" : "false"} ?disabled=${widget.disabled} aria-keyshortcuts=${key}
      @click=${() => widget.setLabel(value, "pointer")}
      ><span class="sw ${tintOf(labels, value)}"></span><span class="clip" dir="auto">${label}</span><kbd aria-hidden="true">${key}</kbd></button>`)}
    ${more.length > 0
      ? html`<select aria-label="More labels" ?disabled=${widget.disabled}
          @change=${(event: Event) => widget.setLabel((event.target as HTMLSelectElement).value, "pointer")}>
          <option value="" disabled .selected=${live(!more.some(({ value }) => value === now))}>More labels</option>
          ${more.map(({ value, label }) => html`<option value=${value} .selected=${live(value === now)}>${label}</option>`)}
        </select>`
      : nothing}
  </div>`;
}

export function footOf(widget: MarksElement): TemplateResult {
  const { value, marks, sketch } = widget;
  const none = Array.isArray(value) && value.length === 0;
  return html`<div class="marks-foot">
    ${widget.least === 0 && sketch === null
      ? html`<button type="button" class="btn" aria-pressed=${none ? "true" : "false"} ?disabled=${widget.disabled}
          aria-disabled=${marks.length > 0 ? "true" : nothing} @click=${() => widget.nothing("pointer")}
          >Nothing to mark <kbd aria-hidden="true">0</kbd></button>`
      : nothing}
    ${sketch !== null ? sketchButtons(widget as PolygonsElement) : nothing}
    <span class="faint">${widget.view && (sketch !== null || !widget.said) ? widget.help || atMost(widget) : ""}</span>
    <span class="faint ${sketch !== null ? "vh" : ""}" role="status">${widget.said}</span>
  </div>`;
}

function sketchButtons(widget: PolygonsElement): TemplateResult {
  return html`<button type="button" class="btn" @click=${() => widget.close("pointer")}>Close outline <kbd aria-hidden="true">Enter</kbd></button>
    <button type="button" class="btn quiet" @click=${() => widget.drop()}>Drop it <kbd aria-hidden="true">Esc</kbd></button>`;
}

const atMost = (widget: MarksElement): string =>
  widget.marks.length >= widget.most ? `No more than ${widget.most} may be drawn` : "";

export function sideOf(widget: MarksElement): TemplateResult {
  const { nouns } = widget.shape;
  const { shown } = widget;
  return html`<aside class="marks-side" aria-label="Marks">
    ${numbersOf(widget)}
    <h2><span>${nouns.charAt(0).toUpperCase()}${nouns.slice(1)}</span><span class="faint">${shown.length}</span></h2>
    ${shown.length === 0 ? html`<p class="faint none">${Array.isArray(widget.value) ? "Nothing to mark" : "None yet"}</p>` : nothing}
    <ul class="marks-list">${shown.map((_, index) => rowOf(widget, index))}</ul>
    ${keysOf(widget)}
  </aside>`;
}

/** Scrolls the list, and nothing else, to the chosen mark. */
export function showRow(widget: MarksElement): void {
  const row = widget.querySelector(".marks-list .on");
  const list = row?.parentElement;
  if (!row || !list) return;
  const [inner, outer] = [row.getBoundingClientRect(), list.getBoundingClientRect()];
  if (inner.top < outer.top) list.scrollTop -= outer.top - inner.top;
  else if (inner.bottom > outer.bottom) list.scrollTop += inner.bottom - outer.bottom;
}

/** No stop for Tab: the marks on the image are. */
function rowOf(widget: MarksElement, index: number): TemplateResult {
  const { labels, shown, chosen } = widget;
  const mark = shown[index];
  if (mark === undefined) return html`${nothing}`;
  const { left, top, right, bottom } = boundsOf(mark.points);
  const choose = () => {
    widget.choose(index);
    widget.focusChosen();
  };
  return html`<li class=${index === chosen ? "on" : ""}><button type="button" tabindex="-1"
    aria-pressed=${index === chosen ? "true" : "false"} ?disabled=${widget.disabled} @click=${choose}>
    <span class="sw ${tintOf(labels, mark.label)}"></span><span class="grow clip"><bdi>${nameOf(labels, mark.label)}</bdi> ${index + 1}</span>
    <span class="faint">${tidy(right - left)} × ${tidy(bottom - top)}</span></button></li>`;
}

function keysOf(widget: MarksElement): TemplateResult {
  const rows: [string[], string][] = [
    [["←", "↑", "↓", "→"], "move by 1 px"],
    [["Shift", "←"], "by 10 px"],
    ...(widget.shape.noun === "box"
      ? [[["Alt", "←"], "resize"] as [string[], string]]
      : ([[[",", "."], "choose a point"], [["A"], "add a point after it"]] as [string[], string][])),
    [["Tab"], `next ${widget.shape.noun}`],
    [["Delete"], "remove"],
    [["Esc"], "choose none"],
    [["Ctrl", "Z"], "take back"],
  ];
  return html`<div class="keyhelp"><h2>Keys</h2><dl class="marks-keys">
    ${rows.map(([keys, does]) => html`<div><dt>${keys.map((key) => html`<kbd>${key}</kbd>`)}</dt><dd>${does}</dd></div>`)}
  </dl></div>`;
}
