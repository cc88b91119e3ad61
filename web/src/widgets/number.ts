// <ch-number>: the question kind `number`: typed, or stepped with arrows and buttons, in its unit.
import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { define } from "./element.ts";
import type { Json } from "./element.ts";
import { describe, readNumber, settingsOf, show, stepped, wrongWith } from "./numbers.ts";
import { TypedElement } from "./typed.ts";

const LEAPS: Record<string, number> = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 };

export class NumberElement extends TypedElement {
  override missing(): string {
    return wrongWith(this.typed, this.settings());
  }

  protected override meaning(text: string): Json {
    return readNumber(text);
  }

  protected override textOf(value: Json): string {
    return typeof value === "number" ? show(value) : "";
  }

  protected override useFieldKey(event: KeyboardEvent): boolean {
    const leap = LEAPS[event.key];
    if (leap === undefined || event.ctrlKey || event.metaKey || event.altKey) return false;
    this.step(event.shiftKey && Math.abs(leap) === 1 ? leap * 10 : leap);
    return true;
  }

  /** A digit or an arrow pressed anywhere goes into the field. */
  protected override useKey(event: KeyboardEvent, inside: boolean): boolean {
    if (inside) return false;
    if (/^[\d.,+-]$/.test(event.key)) this.focus(); // the browser then types it there
    const leap = LEAPS[event.key];
    if (leap === undefined || Math.abs(leap) > 1) return false;
    this.focus();
    this.step(leap);
    return true;
  }

  protected override render() {
    const settings = this.settings();
    const unit = typeof this.question?.["unit"] === "string" ? (this.question["unit"] as string) : "";
    const prompt = this.question?.prompt || "Type a number";
    const problem = this.typed.trim() === "" ? "" : wrongWith(this.typed, settings);
    const signed = settings.min === null || settings.min < 0;
    return html`<div class="number-line">
        ${this.button("Less", -1, "−")}
        <input type="text" data-own-undo autocomplete="off" enterkeyhint="send"
          inputmode=${settings.integer ? "numeric" : "decimal"}
          class=${problem ? "bad" : ""}
          role="spinbutton"
          aria-label=${unit ? `${prompt} (${unit})` : prompt}
          aria-describedby="ch-number-about"
          aria-invalid=${problem ? "true" : nothing}
          aria-valuenow=${typeof this.value === "number" ? this.value : nothing}
          aria-valuetext=${typeof this.value === "number" ? `${this.typed} ${unit}`.trim() : "No number yet"}
          aria-valuemin=${settings.min ?? nothing}
          aria-valuemax=${settings.max ?? nothing}
          ?readonly=${this.disabled}
          .value=${live(this.typed)}
          @input=${this.onInput}
          @keydown=${this.onFieldKey} />
        ${unit ? html`<span class="in-unit" dir="auto" aria-hidden="true">${unit}</span>` : nothing}
        ${this.button("More", 1, "+")}
        ${signed ? html`<button type="button" class="btn sign" @click=${this.turn} aria-label="Change the sign">±</button>` : nothing}
      </div>
      <p class="under-answer ${problem ? "warn" : ""}" id="ch-number-about" role="status">${problem || describe(settings)}<span
        class="keyhelp"> <kbd>↑</kbd> <kbd>↓</kbd> step, with <kbd>Shift</kbd> by ten</span></p>`;
  }

  private button(name: string, leap: number, sign: string) {
    return html`<button type="button" class="btn big square" tabindex="-1" aria-label=${name} ?disabled=${this.disabled}
      @click=${() => this.step(leap)}>${sign}</button>`;
  }

  private readonly turn = (): void => {
    const text = this.typed.trim();
    this.write(/^[-−]/.test(text) ? text.slice(1) : `-${text.replace(/^\+/, "")}`);
    this.focus();
  };

  private step(by: number): void {
    if (this.disabled) return;
    this.write(show(stepped(readNumber(this.typed), by, this.settings())));
  }

  private settings() {
    return settingsOf(this.question);
  }
}

define("ch-number", NumberElement);

declare global {
  interface HTMLElementTagNameMap {
    "ch-number": NumberElement;
  }
}
