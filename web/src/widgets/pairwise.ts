// <ch-pairwise>: the question kind `pairwise`: two columns of the item's data side by side, and which of them it is.
import { html, nothing } from "lit";
import type { PropertyValues, TemplateResult } from "lit";
import { tick } from "./choice.ts";
import { AnswerElement, define } from "./element.ts";
import type { Item } from "./element.ts";
import { shapeOf } from "./media.ts";

type Side = "left" | "right";
type Verdict = Side | "tie";
/** The worker's API sends of the item's data what the question names. */
type PairItem = Item & { parts?: Record<string, string> };

const SIDES: readonly Side[] = ["left", "right"];
// On a phone one stands above the other.
const NAMES: Record<Verdict, readonly [wide: string, narrow: string]> = {
  left: ["Left", "First"],
  tie: ["Tie", "Tie"],
  right: ["Right", "Second"],
};
const KEYS: Record<Verdict, string> = { left: "1", tie: "0", right: "2" };
const VERDICTS: Readonly<Record<string, Verdict>> = { "1": "left", "2": "right", "0": "tie", "3": "tie" };
// Shorter texts stand in larger letters; what changes the size is the kind of the texts, not the single one.
const SHORT_TEXT = 160;
const SCROLL_PX = 96;

export class PairwiseElement extends AnswerElement {
  private readonly failed = new Set<Side>();
  private longest = 0;

  override missing(): string {
    return this.value === null ? "Choose a side first" : "";
  }

  /** Puts the focus where the keyboard would: on what is chosen, else on the first side. */
  override focus(options?: FocusOptions): void {
    this.radios()[this.tabStop()]?.focus(options);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.ownerDocument.defaultView?.addEventListener("resize", this.measure);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.ownerDocument.defaultView?.removeEventListener("resize", this.measure);
  }

  protected override anchor(): HTMLElement | undefined {
    return this.radios()[0];
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("item")) return;
    this.failed.clear();
    this.longest = Math.max(this.longest, ...SIDES.map((side) => this.partOf(side)?.length ?? 0));
  }

  protected override updated(changed: PropertyValues<this>): void {
    super.updated(changed);
    if (changed.has("item")) for (const body of this.bodies()) body.scrollTop = 0;
    this.measure();
  }

  protected override render() {
    const verdicts = this.verdicts();
    return html`<div class="pair-form ${this.longest > SHORT_TEXT ? "" : "short"} ${this.disabled ? "resting" : ""}">
      ${this.context()}
      <div class="pair-sides" aria-live="polite">${SIDES.map((side) => this.side(side))}</div>
      <div class="choices pair-choices ${verdicts.length > 2 ? "three" : "two"}" role="radiogroup"
        aria-label=${this.question?.prompt || "Which one?"}>
        ${verdicts.map((verdict, index) => this.radio(verdict, index))}
      </div>
      <p class="pair-keys keyhelp cap" aria-hidden="true"><kbd>←</kbd> <kbd>→</kbd> choose
        <span class="pair-scroll"><kbd>↑</kbd> <kbd>↓</kbd> scroll both</span></p>
    </div>`;
  }

  protected override useKey(event: KeyboardEvent, inside: boolean): boolean {
    if (inside && event.target instanceof HTMLMediaElement) return false; // the player's own keys
    const onRadio = inside && event.target instanceof Element && event.target.matches("[role=radio]");
    if (onRadio && this.moveWithin(event)) return true;
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      this.give(event.key === "ArrowLeft" ? "left" : "right", "arrow");
      return true;
    }
    if (!inside && (event.key === "ArrowUp" || event.key === "ArrowDown")) return this.scrollBoth(event.key);
    const verdict = VERDICTS[event.key];
    if (verdict === undefined || event.repeat || !this.verdicts().includes(verdict)) return false;
    this.give(verdict, "key");
    return true;
  }

  /** What both are about: the item's own text, image or recording. */
  private context(): TemplateResult | typeof nothing {
    const { text = null, image_url: image = null, audio_url: audio = null } = this.item ?? {};
    if (text === null && !image && !audio) return nothing;
    return html`<div class="pair-context" dir="auto" data-scrolls role="group" aria-label="What both are about">
      ${image ? html`<img src=${image} alt="What both are about" />` : nothing}
      ${audio ? html`<audio controls preload="auto" src=${audio} aria-label="What both are about"></audio>` : nothing}
      ${text === null ? nothing : html`<p>${text}</p>`}
    </div>`;
  }

  private side(side: Side): TemplateResult {
    const chosen = this.value === side;
    return html`<section class="pair-side ${chosen ? "chosen" : ""}" data-side=${side}
      @click=${(event: MouseEvent) => this.onSideClick(event, side)}>
      <h2 class="pair-name">${nameOf(side)}</h2>
      <div class="pair-body" data-scrolls dir="auto" role="group" aria-label=${NAMES[side].join(", ")}>${this.content(side)}</div>
    </section>`;
  }

  private content(side: Side): TemplateResult {
    const value = this.partOf(side);
    const shape = value === undefined ? "text" : shapeOf(value);
    if (value === undefined) return html`<p class="faint">This item has nothing in its column “${this.columnOf(side)}”.</p>`;
    if (this.failed.has(side)) return html`<p class="faint">It could not be loaded. Reload the page to try again.</p>`;
    const onError = () => {
      this.failed.add(side);
      this.requestUpdate();
    };
    if (shape === "image") return html`<img src=${value} alt=${`${NAMES[side][0]} image`} @error=${onError} />`;
    if (shape === "audio")
      return html`<audio controls preload="auto" src=${value} aria-label=${`${NAMES[side][0]} recording`}
        @error=${onError}></audio>`;
    return html`<p>${value}</p>`;
  }

  private radio(verdict: Verdict, index: number): TemplateResult {
    return html`<div class="choice" role="radio" data-value=${verdict}
      aria-checked=${this.value === verdict ? "true" : "false"}
      aria-disabled=${this.disabled ? "true" : nothing}
      aria-keyshortcuts=${KEYS[verdict]}
      tabindex=${index === this.tabStop() ? 0 : -1}
      @click=${() => this.give(verdict, "pointer")}>
      <kbd aria-hidden="true">${KEYS[verdict]}</kbd>${nameOf(verdict)}
      <svg class="i tick" viewBox="0 0 20 20" aria-hidden="true">${tick}</svg>
    </div>`;
  }

  /** A click anywhere on a side chooses it, unless it plays a recording or ends the marking of some words. */
  private onSideClick(event: MouseEvent, side: Side): void {
    if (event.target instanceof HTMLMediaElement) return;
    if (this.ownerDocument.getSelection()?.isCollapsed === false) return;
    this.give(side, "pointer");
  }

  private moveWithin(event: KeyboardEvent): boolean {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, " ": 0 }[event.key];
    const verdicts = this.verdicts();
    const radios = this.radios();
    const at = radios.findIndex((radio) => radio === event.target);
    if (step === undefined || at < 0) return false;
    const next = (at + step + verdicts.length) % verdicts.length;
    radios[next]?.focus();
    this.give(verdicts[next] ?? null, "arrow");
    return true;
  }

  private scrollBoth(key: string): boolean {
    const scrolling = this.bodies().filter((body) => body.scrollHeight > body.clientHeight);
    for (const body of scrolling) body.scrollBy({ top: key === "ArrowDown" ? SCROLL_PX : -SCROLL_PX });
    return scrolling.length > 0;
  }

  /** What scrolls can be reached by the keyboard, and only that. */
  private readonly measure = (): void => {
    let scrolls = false;
    for (const part of this.querySelectorAll<HTMLElement>("[data-scrolls]")) {
      const over = part.scrollHeight > part.clientHeight + 1;
      if (over) part.tabIndex = 0;
      else part.removeAttribute("tabindex");
      scrolls ||= over && part.classList.contains("pair-body");
    }
    this.querySelector(".pair-scroll")?.toggleAttribute("hidden", !scrolls);
  };

  private verdicts(): Verdict[] {
    return this.question?.["tie"] === true ? ["left", "tie", "right"] : ["left", "right"];
  }

  private columnOf(side: Side): string {
    const named = this.question?.[side];
    return typeof named === "string" ? named : side;
  }

  private partOf(side: Side): string | undefined {
    const parts = (this.item as PairItem | null)?.parts ?? {};
    const column = this.columnOf(side);
    return Object.hasOwn(parts, column) ? parts[column] : undefined;
  }

  private radios(): HTMLElement[] {
    return [...this.querySelectorAll<HTMLElement>("[role=radio]")];
  }

  private bodies(): HTMLElement[] {
    return [...this.querySelectorAll<HTMLElement>(".pair-body")];
  }

  private tabStop(): number {
    return Math.max(0, this.verdicts().indexOf(this.value as Verdict));
  }
}

function nameOf(verdict: Verdict): TemplateResult {
  const [wide, narrow] = NAMES[verdict];
  return wide === narrow
    ? html`<span>${wide}</span>`
    : html`<span class="pair-wide">${wide}</span><span class="pair-narrow">${narrow}</span>`;
}

define("ch-pairwise", PairwiseElement);

declare global {
  interface HTMLElementTagNameMap {
    "ch-pairwise": PairwiseElement;
  }
}
