// <ch-choice>: the question kind `choice`: one of several options, by digit, arrow or touch.
import { html, nothing, svg } from "lit";
import { AnswerElement, define } from "./element.ts";
import { assignKeys } from "./keys.ts";

export interface Option {
  value: string;
  label: string;
}

const TILE_LETTERS = 3;
const PHONE_LETTERS = 16;
const COLUMN_LETTERS = 34;

export const tick = svg`<path d="m4.5 10.5 3.5 3.5 7.5-8"></path>`;

export class ChoiceElement extends AnswerElement {
  override missing(): string {
    return this.value === null ? "Choose one first" : "";
  }

  /** Puts the focus where the keyboard would: on the chosen option, else on the first. */
  override focus(options?: FocusOptions): void {
    this.radios()[this.tabStop()]?.focus(options);
  }

  protected override anchor(): HTMLElement | undefined {
    return this.radios()[0];
  }

  protected override render() {
    const options = this.options();
    const keys = assignKeys(options.map((option) => option.label));
    const stop = this.tabStop();
    return html`<div class="choices ${layoutOf(options)}" role="radiogroup" aria-label=${this.question?.prompt || "Choose one"}>
      ${options.map((option, index) => {
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
          @click=${() => this.give(option.value, "pointer")}
        >
          ${key ? html`<kbd aria-hidden="true">${key}</kbd>` : nothing}<span>${option.label}</span>
          <svg class="i tick" viewBox="0 0 20 20" aria-hidden="true">${tick}</svg>
        </div>`;
      })}
    </div>`;
  }

  protected override useKey(event: KeyboardEvent, inside: boolean): boolean {
    if (inside && this.moveWithin(event)) return true;
    const options = this.options();
    const option = options[assignKeys(options.map((one) => one.label)).indexOf(event.key.toLowerCase())];
    if (option === undefined || event.repeat) return false;
    this.give(option.value, "key");
    return true;
  }

  protected options(): Option[] {
    return (this.question?.options ?? []) as Option[];
  }

  private radios(): HTMLElement[] {
    return [...this.querySelectorAll<HTMLElement>("[role=radio]")];
  }

  private tabStop(): number {
    return Math.max(0, this.options().findIndex((option) => option.value === this.value));
  }

  private moveWithin(event: KeyboardEvent): boolean {
    const radios = this.radios();
    const at = radios.findIndex((radio) => radio === this.ownerDocument.activeElement);
    if (at < 0) return false;
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, " ": 0 }[event.key];
    if (step === undefined) return false;
    const next = (at + step + radios.length) % radios.length;
    const option = this.options()[next];
    if (option === undefined) return false;
    radios[next]?.focus();
    this.give(option.value, "arrow");
    return true;
  }
}

/** Two columns where the words allow; `lines` says that a phone has room for one only. */
export function layoutOf(options: readonly Option[]): string {
  const longest = Math.max(0, ...options.map((option) => option.label.length));
  if (options.length > 2 && longest <= TILE_LETTERS) return "tiles";
  const columns = longest <= COLUMN_LETTERS ? "two" : "";
  return longest <= PHONE_LETTERS ? columns : `${columns} lines`;
}

define("ch-choice", ChoiceElement);

declare global {
  interface HTMLElementTagNameMap {
    "ch-choice": ChoiceElement;
  }
}
