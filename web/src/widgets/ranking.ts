// <ch-ranking>: the question kind `ranking`: the options in order, the best first, by digit, arrow, touch or dragging.
import { html, nothing, svg } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { PropertyValues, TemplateResult } from "lit";
import type { Option } from "./choice.ts";
import { AnswerElement, define } from "./element.ts";
import type { AnswerDetail } from "./element.ts";
import { assignKeys } from "./keys.ts";
import { orderOf, placed, Steps } from "./ordering.ts";
import type { Limits } from "./ordering.ts";
import { RowDrag } from "./ranking_drag.ts";
import type { Target } from "./ranking_drag.ts";

const drawn = {
  up: svg`<path d="M10 16V4.500M5 9l5-5 5 5"></path>`,
  down: svg`<path d="M10 4v11.500M5 11l5 5 5-5"></path>`,
  out: svg`<path d="m5 5 10 10M15 5 5 15"></path>`,
  grip: svg`<path d="M4 7h12M4 10h12M4 13h12"></path>`,
};
const TOOLS = [
  ["up", "Move up"],
  ["down", "Move down"],
  ["out", "Take out"],
] as const;
type Tool = (typeof TOOLS)[number][0];

export class RankingElement extends AnswerElement {
  private readonly steps = new Steps<readonly string[]>();
  private readonly drag = new RowDrag(this, {
    targetAt: (value, y) => this.targetAt(value, y),
    moved: () => this.requestUpdate(),
    dropped: (value, target) => this.onDropped(value, target),
  });
  /** The option that the arrow keys move. */
  private held: string | null = null;
  private said = "";

  override missing(): string {
    const left = this.limits().fewest - this.order().length;
    if (left <= 0) return "";
    return this.order().length === 0 ? "Choose the best one first" : `Rank ${left} more first`;
  }

  override undo(): boolean {
    return this.stepTo(this.steps.undo(this.order()), "Taken back");
  }

  override redo(): boolean {
    return this.stepTo(this.steps.redo(this.order()), "Done again");
  }

  override focus(options?: FocusOptions): void {
    this.mains()[0]?.focus(options);
  }

  protected override anchor(): HTMLElement | undefined {
    return this.mains()[0];
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("item") && !changed.has("question")) return;
    this.steps.forget();
    this.drag.cancel();
    this.held = null;
    this.said = "";
  }

  protected override render() {
    const [order, { all, fewest, most }] = [this.order(), this.limits()];
    const rest = all.filter((value) => !order.includes(value));
    const enough = order.length >= fewest;
    const { target } = this.drag;
    const wants = order.length < most && rest.length > 0;
    const here = this.drag.value !== null && target === order.filter((one) => one !== this.drag.value).length;
    return html`<div class="ranking ${this.disabled ? "resting" : ""} ${this.drag.value === null ? "" : "dragging"}">
      <p class="rank-head cap"><span>Best first</span><span class="n">${progress(order.length, fewest, most)}</span></p>
      <ol class="rank-list" aria-label="Ranked, the best first">
        ${repeat(order, (value) => value, (value, place) => this.row(value, place))}
        <li class="rank-slot ${wants ? "" : "full"} ${here ? "here" : ""}" aria-hidden="true"><span
          class="rank-place">${order.length + 1}</span>${order.length === 0 ? "The best" : "The next best"}</li>
      </ol>
      <div class="rank-rest ${rest.length > 0 ? "" : "none"} ${this.drag.value !== null && target === "out" ? "here" : ""}">
        <p class="rank-head cap">${enough ? "Left out: all of these stand below" : "Not ranked yet"}</p>
        <ul class="rank-list" aria-label=${enough ? "Left out" : "Not ranked yet"}>
          ${repeat(rest, (value) => value, (value) => this.row(value, -1))}
        </ul>
      </div>
      <p class="rank-keys keyhelp cap" aria-hidden="true"><kbd>1</kbd>… picks the next best <kbd>↑</kbd> <kbd>↓</kbd> move it
        <kbd>Del</kbd> takes it out <kbd>Ctrl</kbd> <kbd>Z</kbd> one step back</p>
      <p class="vh" role="status">${this.said}</p>
    </div>`;
  }

  protected override useKey(event: KeyboardEvent, inside: boolean): boolean {
    if (event.key === "Escape") return this.drag.cancel();
    if (this.useHeld(event.key, inside)) return true;
    const at = assignKeys(this.options().map((one) => one.label)).indexOf(event.key.toLowerCase());
    const value = this.options()[at]?.value;
    if (value === undefined || event.repeat) return false;
    if (this.order().includes(value)) this.hold(value);
    else this.pick(value, "key");
    return true;
  }

  private row(value: string, place: number): TemplateResult {
    const at = this.options().findIndex((option) => option.value === value);
    const label = this.options()[at]?.label ?? value;
    const key = assignKeys(this.options().map((one) => one.label))[at] ?? "";
    const ranked = place >= 0;
    return html`<li class="rank-row ${this.held === value ? "held" : ""} ${this.dragClass(value, place)}" data-value=${value}
      @pointerdown=${(event: PointerEvent) => !this.disabled && this.drag.onDown(event, value)}>
      <button type="button" class="rank-main" aria-keyshortcuts=${key || nothing} ?disabled=${this.disabled}
        @focus=${() => this.hold(value, { focus: false })} @click=${() => this.onClick(value, ranked)}>
        <span class="rank-place" aria-hidden="true">${ranked ? place + 1 : nothing}</span>
        ${key ? html`<kbd aria-hidden="true">${key}</kbd>` : nothing}
        <span class="vh">${ranked ? `Place ${place + 1}:` : "Not ranked:"}</span>
        <span class="rank-label" dir="auto">${label}</span>
      </button>
      ${ranked ? html`<span class="rank-tools">${TOOLS.map(([tool, word]) => this.tool(tool, word, value, label))}</span>` : nothing}
      <span class="rank-grip" aria-hidden="true"><svg class="i" viewBox="0 0 20 20">${drawn.grip}</svg></span>
    </li>`;
  }

  private tool(tool: Tool, word: string, value: string, label: string): TemplateResult {
    return html`<button type="button" class="btn quiet square" tabindex="-1" aria-label=${`${word}: ${label}`} ?disabled=${this.disabled}
      @click=${() => (tool === "out" ? this.takeOut(value, "pointer") : this.moveBy(value, tool === "up" ? -1 : 1, "pointer"))}
      ><svg class="i" viewBox="0 0 20 20" aria-hidden="true">${drawn[tool]}</svg></button>`;
  }

  private dragClass(value: string, place: number): string {
    const { value: dragged, target } = this.drag;
    if (dragged === null) return "";
    if (value === dragged) return "lifted";
    if (place < 0 || typeof target !== "number") return "";
    const others = this.order().filter((one) => one !== dragged);
    if (others[target] === value) return "before";
    return target === others.length && others.at(-1) === value ? "after" : "";
  }

  private onClick(value: string, ranked: boolean): void {
    if (this.drag.justEnded) return;
    if (ranked) this.hold(value);
    else this.pick(value, "pointer");
  }

  private pick(value: string, by: AnswerDetail["by"]): void {
    this.putAt(value, this.order().length, by);
  }

  private putAt(value: string, at: number, by: AnswerDetail["by"]): void {
    const before = this.order();
    const next = placed(before, value, Math.max(0, at), this.limits());
    if (next === before) return this.say(`${this.limits().most} are ranked: take one out first`);
    if (next.join("\n") !== before.join("\n")) this.change(next, by);
    // Who points at one after the other wants no tools to open between them.
    if (by === "pointer" && !before.includes(value)) this.held = null;
    else this.hold(value);
    this.say(`${this.labelOf(value)}: place ${next.indexOf(value) + 1} of ${next.length}`);
  }

  private moveBy(value: string, step: number, by: AnswerDetail["by"]): void {
    this.putAt(value, Math.min(this.order().indexOf(value) + step, this.order().length - 1), by);
  }

  private takeOut(value: string, by: AnswerDetail["by"]): void {
    this.change(this.order().filter((one) => one !== value), by);
    if (by === "key") this.hold(value);
    else this.held = null;
    this.say(`${this.labelOf(value)}: taken out`);
  }

  private useHeld(key: string, inside: boolean): boolean {
    const { held } = this;
    const at = held === null ? -1 : this.order().indexOf(held);
    if (held === null || at < 0) return inside && this.moveFocus(key);
    const goal = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: this.order().length - 1 }[key];
    if (goal !== undefined) this.putAt(held, Math.min(goal, this.order().length - 1), "arrow");
    else if (key === "Delete" || key === "Backspace") this.takeOut(held, "key");
    else return false;
    return true;
  }

  /** Among what is not ranked, the arrows go from one to the next. */
  private moveFocus(key: string): boolean {
    const step = { ArrowUp: -1, ArrowDown: 1 }[key];
    const mains = this.mains();
    const at = mains.findIndex((main) => main === this.ownerDocument.activeElement);
    if (step === undefined || at < 0) return false;
    mains[at + step]?.focus();
    return true;
  }

  private targetAt(value: string, y: number): Target {
    const [order, { fewest, most, all }] = [this.order(), this.limits()];
    const rest = this.querySelector(".rank-rest");
    const below = rest !== null && y >= rest.getBoundingClientRect().top;
    if (below && (order.length < all.length || fewest < all.length)) return "out";
    if (!order.includes(value) && order.length >= most) return "nowhere";
    const others = order.filter((one) => one !== value).map((one) => this.rowOf(one)?.getBoundingClientRect());
    return others.filter((box) => box !== undefined && (box.top + box.bottom) / 2 < y).length;
  }

  private onDropped(value: string, target: Target): void {
    if (typeof target === "number") this.putAt(value, target, "pointer");
    else if (target === "out" && this.order().includes(value)) this.takeOut(value, "pointer");
  }

  private change(order: readonly string[], by: AnswerDetail["by"]): void {
    if (this.disabled) return;
    this.steps.note(this.order());
    this.give(order.length > 0 ? [...order] : null, by);
  }

  private stepTo(order: readonly string[] | undefined, said: string): boolean {
    if (order === undefined || this.disabled) return false;
    this.give(order.length > 0 ? [...order] : null, "key");
    this.say(said);
    return true;
  }

  /** Makes an option the one that the arrows move, and puts the focus on it once it stands at its place. */
  private hold(value: string, { focus = true } = {}): void {
    this.held = value;
    this.requestUpdate();
    if (focus) void this.updateComplete.then(() => this.held === value && this.rowOf(value)?.querySelector("button")?.focus());
  }

  private say(words: string): void {
    this.said = words;
    this.requestUpdate();
  }

  private options(): Option[] {
    return (this.question?.["options"] ?? []) as Option[];
  }

  private order(): readonly string[] {
    return orderOf(this.value, this.limits().all);
  }

  private limits(): Limits {
    const all = this.options().map((option) => option.value);
    const most = Number(this.question?.["max_ranked"] ?? all.length);
    return { all, most, fewest: Number(this.question?.["min_ranked"] ?? most) };
  }

  private labelOf(value: string): string {
    return this.options().find((option) => option.value === value)?.label ?? value;
  }

  private rowOf(value: string): HTMLElement | undefined {
    return [...this.querySelectorAll<HTMLElement>(".rank-row")].find((row) => row.dataset["value"] === value);
  }

  private mains(): HTMLElement[] {
    return [...this.querySelectorAll<HTMLElement>(".rank-main")];
  }
}

function progress(ranked: number, fewest: number, most: number): string {
  return fewest === most ? `${ranked} of ${most} ranked` : `${ranked} ranked, ${fewest} to ${most} wanted`;
}

define("ch-ranking", RankingElement);

declare global {
  interface HTMLElementTagNameMap {
    "ch-ranking": RankingElement;
  }
}
