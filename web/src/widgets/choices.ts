// <ch-choices>: the question kind `choices`: several of the options, each put in or taken out by its key or a touch.
import { html, nothing, svg } from "lit";
import type { PropertyValues } from "lit";
import { AnswerSteps } from "./answer_steps.ts";
import { layoutOf, tick } from "./choice.ts";
import type { Option } from "./choice.ts";
import { AnswerElement, define } from "./element.ts";
import type { AnswerDetail, Json } from "./element.ts";
import { assignKeys } from "./keys.ts";

const NONE_KEY = "0";

export class ChoicesElement extends AnswerElement {
  private readonly steps = new AnswerSteps<Json>();
  private refused = false;
  private at = 0;

  override missing(): string {
    const { fewest, most } = this.bounds();
    const count = this.chosen().length;
    if (this.value === null && fewest === 0) return "Choose what applies, or “None of these”";
    if (count < fewest) return count === 0 ? `Choose at least ${fewest}` : `Choose ${fewest - count} more`;
    return count > most ? `Take ${count - most} away: at most ${most}` : "";
  }

  override undo(): boolean {
    const before = this.steps.back(this.value);
    if (before === undefined) return this.steps.any;
    this.give(before, "key");
    return true;
  }

  override redo(): boolean {
    const after = this.steps.forth(this.value);
    if (after !== undefined) this.give(after, "key");
    return after !== undefined;
  }

  override focus(options?: FocusOptions): void {
    this.boxes()[this.at]?.focus(options);
  }

  protected override anchor(): HTMLElement | undefined {
    return this.boxes()[0];
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("item")) return;
    this.steps.clear();
    this.refused = false;
    this.at = 0;
  }

  protected override render() {
    const options = this.options();
    const keys = this.keys();
    const { fewest, most } = this.bounds();
    const chosen = this.chosen();
    const full = chosen.length >= most && most > 1;
    return html`<div class="choices several ${layoutOf(options)}" role="group" aria-label=${this.question?.prompt || "Choose"}
        aria-describedby="ch-choices-count">
        ${options.map((option, index) => this.box(option, { key: keys[index] ?? "", index, full }))}
        ${fewest === 0 ? this.none(options.length) : nothing}
      </div>
      <p class="under-answer ${this.refused ? "warn" : ""}" id="ch-choices-count" role="status">${this.says(chosen.length)}</p>`;
  }

  protected override useKey(event: KeyboardEvent, inside: boolean): boolean {
    if (inside && this.moveWithin(event)) return true;
    if (event.repeat) return false;
    if (event.key === NONE_KEY && this.bounds().fewest === 0 && !this.keys().includes(NONE_KEY)) {
      this.chooseNone("key");
      return true;
    }
    const option = this.options()[this.keys().indexOf(event.key.toLowerCase())];
    if (option === undefined) return false;
    this.toggle(option.value, "key");
    return true;
  }

  private box(option: Option, { key, index, full }: { key: string; index: number; full: boolean }) {
    const chosen = this.chosen().includes(option.value);
    return html`<div
      class="choice"
      role="checkbox"
      aria-checked=${chosen ? "true" : "false"}
      aria-disabled=${this.disabled || (full && !chosen) ? "true" : nothing}
      aria-keyshortcuts=${key || nothing}
      tabindex=${index === this.at ? 0 : -1}
      @click=${() => {
        this.at = index;
        this.toggle(option.value, "pointer");
      }}
    >
      ${key ? html`<kbd aria-hidden="true">${key}</kbd>` : nothing}<span dir="auto">${option.label}</span>${square}
    </div>`;
  }

  private none(index: number) {
    const key = this.keys().includes(NONE_KEY) ? "" : NONE_KEY;
    return html`<div
      class="choice none-of-these"
      role="checkbox"
      aria-checked=${Array.isArray(this.value) && this.value.length === 0 ? "true" : "false"}
      aria-disabled=${this.disabled ? "true" : nothing}
      aria-keyshortcuts=${key || nothing}
      tabindex=${index === this.at ? 0 : -1}
      @click=${() => {
        this.at = index;
        this.chooseNone("pointer");
      }}
    >
      ${key ? html`<kbd aria-hidden="true">${key}</kbd>` : nothing}<span>None of these</span>${square}
    </div>`;
  }

  private says(count: number): string {
    const { fewest, most } = this.bounds();
    if (this.refused) return `${most} at most: take one away first`;
    const all = this.options().length;
    const wanted = fewest === most
      ? `${fewest} wanted`
      : most === all ? (fewest > 1 ? `at least ${fewest} wanted` : "as many as apply") : `${fewest === 0 ? "up to" : `${fewest} to`} ${most}`;
    return `${count} chosen, ${wanted}`;
  }

  private toggle(value: string, by: AnswerDetail["by"]): void {
    if (this.disabled) return;
    const { most } = this.bounds();
    const before = this.chosen();
    const picked = before.includes(value)
      ? before.filter((one) => one !== value)
      : most === 1 ? [value] : [...before, value];
    this.refused = picked.length > most;
    this.requestUpdate();
    if (this.refused) return;
    // an emptied answer is none: that nothing applies is said on purpose
    this.change(picked.length === 0 ? null : this.inOrder(picked), by);
  }

  private chooseNone(by: AnswerDetail["by"]): void {
    if (this.disabled) return;
    this.refused = false;
    const already = Array.isArray(this.value) && this.value.length === 0;
    this.change(already ? null : [], by);
  }

  private change(value: Json, by: AnswerDetail["by"]): void {
    this.steps.keep(this.value);
    this.give(value, by);
  }

  private moveWithin(event: KeyboardEvent): boolean {
    const boxes = this.boxes();
    const at = boxes.findIndex((box) => box === this.ownerDocument.activeElement);
    if (at < 0) return false;
    if (event.key === " ") {
      boxes[at]?.click();
      return true;
    }
    const last = boxes.length - 1;
    const next = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: last }[event.key];
    if (next === undefined) return false;
    this.at = (next + boxes.length) % boxes.length;
    boxes[this.at]?.focus();
    this.requestUpdate();
    return true;
  }

  private inOrder(values: readonly string[]): string[] {
    return this.options().flatMap(({ value }) => (values.includes(value) ? [value] : []));
  }

  private chosen(): string[] {
    return Array.isArray(this.value) ? (this.value as string[]) : [];
  }

  private bounds(): { fewest: number; most: number } {
    const { min_chosen: fewest, max_chosen: most } = (this.question ?? {}) as Record<string, unknown>;
    return {
      fewest: typeof fewest === "number" ? fewest : 1,
      most: typeof most === "number" ? most : this.options().length,
    };
  }

  private options(): Option[] {
    return (this.question?.options ?? []) as Option[];
  }

  private keys(): string[] {
    return assignKeys(this.options().map((option) => option.label));
  }

  private boxes(): HTMLElement[] {
    return [...this.querySelectorAll<HTMLElement>("[role=checkbox]")];
  }
}

const square = html`<svg class="i box" viewBox="0 0 20 20" aria-hidden="true"
  ><rect x="2" y="2" width="16" height="16" rx="3"></rect>${svg`<g class="tick">${tick}</g>`}</svg>`;

define("ch-choices", ChoicesElement);

declare global {
  interface HTMLElementTagNameMap {
    "ch-choices": ChoicesElement;
  }
}
