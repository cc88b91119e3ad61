// <ch-text>: the question kind `text`: one line or several, counted as the server counts.
import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { isAlt } from "./alt_keys.ts";
import { define } from "./element.ts";
import type { Json } from "./element.ts";
import { LONGEST, lengthOf, settingsOf, wrongWith } from "./texts.ts";
import type { TextSettings } from "./texts.ts";
import { TypedElement } from "./typed.ts";

export class TextElement extends TypedElement {
  override missing(): string {
    if (this.typed === "" && this.value === null && this.settings().fewest === 0) return `Write an answer, or press “${this.emptyName()}”`;
    return wrongWith(this.typed, this.settings());
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("keydown", pressButtons);
    this.ownerDocument.addEventListener("keydown", this.onPageKey);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.removeEventListener("keydown", pressButtons);
    this.ownerDocument.removeEventListener("keydown", this.onPageKey);
  }

  protected override meaning(text: string): Json {
    return text === "" ? null : text;
  }

  protected override textOf(value: Json): string {
    return typeof value === "string" ? value : "";
  }

  /** Uses a key with Alt, pressed anywhere; true when it was this widget's. */
  protected useAltKey(event: KeyboardEvent): boolean {
    if (!isAlt(event, "0") || this.settings().fewest > 0) return false;
    this.leaveEmpty();
    return true;
  }

  protected override submits(event: KeyboardEvent): boolean {
    if (event.key !== "Enter") return false;
    return event.ctrlKey || event.metaKey || !this.settings().multiline;
  }

  protected override render() {
    return this.writing();
  }

  protected writing() {
    const settings = this.settings();
    const problem = this.typed === "" ? "" : wrongWith(this.typed, settings);
    const late = problem !== "" && !/^Write at least/.test(problem);
    return html`<div class="writing ${settings.multiline ? "lines" : ""}">
        <textarea data-own-undo rows=${settings.multiline ? 4 : 1} dir="auto" autocomplete="off"
          enterkeyhint=${settings.multiline ? "enter" : "send"}
          class=${late ? "bad" : ""}
          aria-label=${this.question?.prompt || "Your answer"}
          aria-describedby="ch-text-about"
          aria-invalid=${late ? "true" : nothing}
          ?readonly=${this.disabled}
          .value=${live(this.typed)}
          @input=${this.onInput}
          @keydown=${this.onFieldKey}></textarea>
      </div>
      <div class="under-answer writing-foot">
        <span id="ch-text-about" class=${late ? "warn" : ""} role=${late ? "alert" : nothing}>${late ? problem : this.about(settings)}</span>
        ${settings.fewest === 0 ? this.emptyButton() : nothing}
        ${settings.multiline ? html`<span class="keyhelp"><kbd>Enter</kbd> new line</span>` : nothing}
        <span class="count" aria-hidden="true">${this.count(settings)}</span>
      </div>`;
  }

  protected emptyName(): string {
    return "No text";
  }

  protected settings(): TextSettings {
    return settingsOf(this.question);
  }

  protected leaveEmpty(): void {
    this.write("", this.typed === "" && this.value === "" ? null : "");
  }

  private readonly onPageKey = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || this.disabled || this.ownerDocument.querySelector("dialog[open]")) return;
    const sends = event.key === "Enter" && (event.ctrlKey || event.metaKey);
    if (!sends && !this.useAltKey(event)) return;
    event.preventDefault();
    if (sends && !event.repeat) this.requestSubmit();
  };

  private emptyButton() {
    return html`<button type="button" class="btn" aria-pressed=${this.value === "" ? "true" : "false"}
      @click=${() => this.leaveEmpty()}>${this.emptyName()} <kbd>Alt</kbd><kbd>0</kbd></button>`;
  }

  private about({ fewest, most, pattern }: TextSettings): string {
    const length = fewest > 1
      ? most < LONGEST ? `${fewest} to ${most} characters` : `At least ${fewest} characters`
      : most < LONGEST ? `At most ${most} characters` : "";
    return [length, pattern && `of the form ${pattern}`].filter(Boolean).join(", ");
  }

  private count({ most, multiline }: TextSettings): string {
    const length = lengthOf(this.typed, multiline).toLocaleString("en-US");
    return most < LONGEST || this.typed.length > LONGEST / 2 ? `${length} / ${most.toLocaleString("en-US")}` : length;
  }
}

/** Beside a text, Enter on a button presses that: it does not submit. */
function pressButtons(event: KeyboardEvent): void {
  const plain = event.key === "Enter" && !event.ctrlKey && !event.metaKey;
  if (plain && event.target instanceof Element && event.target.closest("button")) event.stopPropagation();
}

define("ch-text", TextElement);

declare global {
  interface HTMLElementTagNameMap {
    "ch-text": TextElement;
  }
}
