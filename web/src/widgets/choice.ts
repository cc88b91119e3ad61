// <ch-choice>: the question kind `choice` as a form-associated element: one of several options, by digit, arrow or touch.
// In the light DOM, so that the page's style sheet dresses it (a shadow root would need a style the CSP refuses).
import { LitElement, html, nothing, svg } from "lit";
import type { PropertyValues } from "lit";
import { assignKeys } from "./keys.ts";

export interface Option {
  value: string;
  label: string;
}

/** How an option came to be chosen: only a key chosen on purpose may submit at once. */
export interface ChoiceDetail {
  value: string;
  by: "key" | "pointer" | "arrow";
}

const TILE_LETTERS = 3;
const PHONE_LETTERS = 16;
const COLUMN_LETTERS = 34;
const FIELD = "input:not([type=checkbox]), textarea, select, [contenteditable]";
const INTERACTIVE = `${FIELD}, button, a[href], summary`;

const tick = svg`<path d="m4.5 10.5 3.5 3.5 7.5-8"></path>`;

export class ChoiceElement extends LitElement {
  static readonly formAssociated = true;

  static override readonly properties = {
    options: { type: Array },
    value: { type: String },
    name: { type: String, reflect: true },
    label: { type: String },
    disabled: { type: Boolean, reflect: true },
  };

  declare options: Option[];
  declare value: string;
  declare name: string;
  declare label: string;
  declare disabled: boolean;
  private readonly internals: ElementInternals | null;
  private initialValue = "";

  constructor() {
    super();
    this.options = [];
    this.value = "";
    this.name = "";
    this.label = "";
    this.disabled = false;
    this.internals = typeof this.attachInternals === "function" ? this.attachInternals() : null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.initialValue = this.value;
    this.ownerDocument.addEventListener("keydown", this.onKey);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.ownerDocument.removeEventListener("keydown", this.onKey);
  }

  formResetCallback(): void {
    this.value = this.initialValue;
  }

  formDisabledCallback(disabled: boolean): void {
    this.disabled = disabled;
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (!changed.has("value") && !changed.has("options")) return;
    this.internals?.setFormValue?.(this.value === "" ? null : this.value);
    const missing = this.value === "";
    this.internals?.setValidity?.(missing ? { valueMissing: true } : {}, missing ? "Choose one" : "", this.radios()[0]);
  }

  /** Puts the focus where the keyboard would: on the chosen option, else on the first. */
  override focus(options?: FocusOptions): void {
    this.radios()[this.tabStop()]?.focus(options);
  }

  protected override render() {
    const keys = assignKeys(this.options.map((option) => option.label));
    const stop = this.tabStop();
    return html`<div class="choices ${this.layout()}" role="radiogroup" aria-label=${this.label || "Choose one"}>
      ${this.options.map((option, index) => {
        const chosen = option.value === this.value;
        const key = keys[index] ?? "";
        return html`<div
          class="choice"
          role="radio"
          aria-checked=${chosen ? "true" : "false"}
          aria-disabled=${this.disabled ? "true" : nothing}
          aria-keyshortcuts=${key || nothing}
          tabindex=${index === stop ? 0 : -1}
          data-value=${option.value}
          @click=${() => this.choose(index, "pointer")}
        >
          ${key ? html`<kbd aria-hidden="true">${key}</kbd>` : nothing}<span>${option.label}</span>
          <svg class="i tick" viewBox="0 0 20 20" aria-hidden="true">${tick}</svg>
        </div>`;
      })}
    </div>`;
  }

  /** Two columns where the words allow; `lines` says that a phone has room for one only. */
  private layout(): string {
    const longest = Math.max(0, ...this.options.map((option) => option.label.length));
    if (this.options.length > 2 && longest <= TILE_LETTERS) return "tiles";
    const columns = longest <= COLUMN_LETTERS ? "two" : "";
    return longest <= PHONE_LETTERS ? columns : `${columns} lines`;
  }

  private radios(): HTMLElement[] {
    return [...this.querySelectorAll<HTMLElement>("[role=radio]")];
  }

  private tabStop(): number {
    return Math.max(0, this.options.findIndex((option) => option.value === this.value));
  }

  private choose(index: number, by: ChoiceDetail["by"]): void {
    const option = this.options[index];
    if (option === undefined || this.disabled) return;
    this.value = option.value;
    const detail: ChoiceDetail = { value: option.value, by };
    this.dispatchEvent(new CustomEvent("change", { detail, bubbles: true }));
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || this.disabled) return;
    // A dialog over the page has the keyboard to itself.
    if (this.ownerDocument.querySelector("dialog[open]")) return;
    const target = event.target instanceof Element ? event.target : null;
    const inside = target !== null && this.contains(target);
    if (inside && this.moveWithin(event)) {
      event.preventDefault();
      return;
    }
    const elsewhere = !inside && target?.closest(INTERACTIVE);
    // Typing belongs to a field; a button or link only keeps Enter for itself.
    if (elsewhere && (event.key === "Enter" || elsewhere.matches(FIELD))) return;
    if (event.key === "Enter") {
      event.preventDefault();
      if (!event.repeat) this.dispatchEvent(new CustomEvent("submit-request", { bubbles: true }));
      return;
    }
    const keys = assignKeys(this.options.map((option) => option.label));
    const index = keys.indexOf(event.key.toLowerCase());
    if (index < 0 || event.repeat) return;
    event.preventDefault();
    this.choose(index, "key");
  };

  private moveWithin(event: KeyboardEvent): boolean {
    const radios = this.radios();
    const at = radios.findIndex((radio) => radio === this.ownerDocument.activeElement);
    if (at < 0) return false;
    if (event.key === " ") {
      this.choose(at, "arrow");
      return true;
    }
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step === undefined) return false;
    const next = (at + step + radios.length) % radios.length;
    radios[next]?.focus();
    this.choose(next, "arrow");
    return true;
  }
}

if (!customElements.get("ch-choice")) customElements.define("ch-choice", ChoiceElement);

declare global {
  interface HTMLElementTagNameMap {
    "ch-choice": ChoiceElement;
  }
}
