// <ch-rating>: the question kind `rating`: a point on a scale, by its digit, arrows or touch; long scales are slid.
import { html, nothing } from "lit";
import type { PropertyValues } from "lit";
import { live } from "lit/directives/live.js";
import { AnswerSteps } from "./answer_steps.ts";
import { AnswerElement, define } from "./element.ts";
import type { AnswerDetail, Json } from "./element.ts";
import { takeFocus } from "./typed.ts";

const MOST_TILES = 19;
const ORDER = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "q", "w", "e", "r", "t", "y", "u", "o", "p"];

/** One key per point: a digit means itself wherever that can be, 0 stands for 10 after 1 to 9. */
export function ratingKeys(low: number, high: number): string[] {
  const points = pointsOf(low, high);
  if (low >= 0 && high <= 9) return points.map(String);
  const order = low === 0 ? ["0", ...ORDER.filter((key) => key !== "0")] : ORDER;
  return points.map((_, index) => order[index] ?? "");
}

export const pointsOf = (low: number, high: number): number[] =>
  Array.from({ length: Math.max(0, high - low + 1) }, (_, index) => low + index);

export class RatingElement extends AnswerElement {
  private readonly steps = new AnswerSteps<Json>();

  override missing(): string {
    return this.value === null ? "Choose a point on the scale first" : "";
  }

  override undo(): boolean {
    const before = this.steps.back(this.value);
    if (before === undefined) return this.steps.any;
    this.give(before, "arrow");
    return true;
  }

  override redo(): boolean {
    const after = this.steps.forth(this.value);
    if (after !== undefined) this.give(after, "arrow");
    return after !== undefined;
  }

  override focus(options?: FocusOptions): void {
    this.anchor()?.focus(options);
  }

  protected override anchor(): HTMLElement | undefined {
    return this.querySelector<HTMLElement>("[role=radio][tabindex='0'], input[type=range]") ?? undefined;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("item")) this.steps.clear();
  }

  protected override updated(changed: PropertyValues<this>): void {
    super.updated(changed);
    // the keys of tiles work from anywhere, a slider's only within it
    if (changed.has("item") && this.querySelector("input")) takeFocus(this);
  }

  protected override render() {
    const { low, high } = this.scale();
    return high - low < MOST_TILES ? this.tiles() : this.slider();
  }

  protected override useKey(event: KeyboardEvent, inside: boolean): boolean {
    const { low, high } = this.scale();
    if (high - low >= MOST_TILES) return false;
    if (inside && this.moveWithin(event, { low, high })) return true;
    const point = pointsOf(low, high)[ratingKeys(low, high).indexOf(event.key.toLowerCase())];
    if (point === undefined || event.repeat) return false;
    this.change(point, "key");
    return true;
  }

  private tiles() {
    const { low, high } = this.scale();
    const points = pointsOf(low, high);
    const keys = ratingKeys(low, high);
    // a digit that means itself needs no cap of its own
    const own = keys.filter((key, index) => key === String(points[index]));
    const names = points.map((point) => this.nameOf(point));
    // names of the ends alone stand under the ends; others need a place at their point
    const inside = names.some((name, index) => name && index > 0 && index < points.length - 1);
    const stop = typeof this.value === "number" ? this.value : low;
    return html`<div class="rating ${inside ? "named" : ""} ${points.length > 7 ? "many" : ""}">
      <div class="points" role="radiogroup" aria-label=${this.prompt()}>
        ${points.map((point, index) => html`<div
          class="choice"
          role="radio"
          aria-checked=${point === this.value ? "true" : "false"}
          aria-disabled=${this.disabled ? "true" : nothing}
          aria-keyshortcuts=${keys[index] || nothing}
          aria-label=${names[index] ? `${point}, ${names[index]}` : String(point)}
          tabindex=${point === stop ? 0 : -1}
          @click=${() => this.change(point, "pointer")}
        >
          <b>${signed(point)}</b>${inside && names[index] ? html`<span dir="auto">${names[index]}</span>` : nothing}
          ${keys[index] && !own.includes(keys[index]) ? html`<kbd aria-hidden="true">${keys[index]}</kbd>` : nothing}
        </div>`)}
      </div>
      ${this.under(own, inside)}
    </div>`;
  }

  /** The line under the tiles: the names of the ends at its ends, the keys between. */
  private under(own: readonly string[], named: boolean) {
    const { low, high } = this.scale();
    return html`<div class="ends">
      <span dir="auto" aria-hidden="true">${named ? nothing : this.nameOf(low)}</span>
      ${own.length > 1 ? html`<span class="keyhelp"><kbd>${own[0]}</kbd> to <kbd>${own.at(-1)}</kbd> choose</span>` : nothing}
      <span dir="auto" aria-hidden="true">${named ? nothing : this.nameOf(high)}</span>
    </div>`;
  }

  private slider() {
    const { low, high } = this.scale();
    const point = typeof this.value === "number" ? this.value : null;
    const middle = Math.round((low + high) / 2);
    const take = (event: Event, by: AnswerDetail["by"]) => this.change(Number((event.target as HTMLInputElement).value), by);
    return html`<div class="rating slid">
      <output>${point === null ? "–" : signed(point)}${point !== null && this.nameOf(point) ? html` <span dir="auto">${this.nameOf(point)}</span>` : nothing}</output>
      <input type="range" class=${point === null ? "unset" : ""} min=${low} max=${high} step="1"
        aria-label=${this.prompt()}
        aria-valuetext=${point === null ? "Nothing chosen yet" : `${point} ${this.nameOf(point)}`.trim()}
        .value=${live(String(point ?? middle))} ?disabled=${this.disabled}
        @input=${(event: Event) => take(event, "pointer")}
        @click=${(event: Event) => {
          // a press just where the thumb waits changes nothing by itself
          if (this.value === null) take(event, "pointer");
        }}
        @keydown=${this.onSliderKey} />
      <p class="ends"><span dir="auto">${low} ${this.nameOf(low)}</span><span dir="auto">${high} ${this.nameOf(high)}</span></p>
      <p class="keyhelp under-answer"><kbd>←</kbd> <kbd>→</kbd> by one, <kbd>Page ↑</kbd> <kbd>Page ↓</kbd> by ten,
        <kbd>Home</kbd> <kbd>End</kbd> to the ends</p>
    </div>`;
  }

  private readonly onSliderKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || this.disabled) return;
    if (event.key === "Enter") {
      event.preventDefault();
      if (!event.repeat) this.requestSubmit();
      return;
    }
    const { low, high } = this.scale();
    const now = typeof this.value === "number" ? this.value : Math.round((low + high) / 2);
    const rtl = event.target instanceof Element && getComputedStyle(event.target).direction === "rtl" ? -1 : 1;
    const next = {
      ArrowUp: now + 1, ArrowDown: now - 1, ArrowRight: now + rtl, ArrowLeft: now - rtl,
      PageUp: now + 10, PageDown: now - 10, Home: low, End: high, " ": now,
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.change(Math.min(high, Math.max(low, next)), "arrow");
  };

  private moveWithin(event: KeyboardEvent, { low, high }: { low: number; high: number }): boolean {
    const radios = [...this.querySelectorAll<HTMLElement>("[role=radio]")];
    const at = radios.findIndex((radio) => radio === this.ownerDocument.activeElement);
    if (at < 0) return false;
    const last = high - low;
    const next = {
      ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1, Home: 0, End: last, " ": at,
    }[event.key];
    if (next === undefined) return false;
    // a scale has ends: it does not go round
    const to = Math.min(last, Math.max(0, next));
    radios[to]?.focus();
    this.change(low + to, "arrow");
    return true;
  }

  private change(point: number, by: AnswerDetail["by"]): void {
    if (this.disabled) return;
    if (point !== this.value) this.steps.keep(this.value);
    this.give(point, by);
  }

  private scale(): { low: number; high: number } {
    const { low, high } = (this.question ?? {}) as Record<string, unknown>;
    return { low: typeof low === "number" ? low : 1, high: typeof high === "number" ? high : 5 };
  }

  private nameOf(point: number): string {
    return ((this.question?.labels ?? {}) as Record<string, string>)[String(point)] ?? "";
  }

  private prompt(): string {
    return this.question?.prompt || "Choose a point on the scale";
  }
}

/** A minus is a minus, not a hyphen. */
const signed = (point: number): string => String(point).replace("-", "−");

define("ch-rating", RatingElement);

declare global {
  interface HTMLElementTagNameMap {
    "ch-rating": RatingElement;
  }
}
