// What every task widget is: a form-associated element that shows a question, takes an answer and says what it lacks.
// In the light DOM, so that the page's style sheet dresses it (a shadow root would need a style the CSP refuses).
import { LitElement } from "lit";
import type { PropertyValues } from "lit";

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** A question's kind and settings, as `check_spec` of its plug-in returns them. */
export interface Question {
  kind: string;
  prompt: string;
  field: string;
  instructions?: string | null;
  [setting: string]: unknown;
}

/** What there is to look at, listen to or read; everything in it may be hostile. */
export interface Item {
  id: string | number;
  key: string;
  text: string | null;
  image_url: string | null;
  audio_url?: string | null;
}

/** How an answer came to be: only a key chosen on purpose may submit at once. */
export interface AnswerDetail {
  value: Json;
  by: "key" | "pointer" | "arrow" | "typing";
}

const FIELD = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
const INTERACTIVE = `${FIELD}, button, a[href], summary, input`;

/**
 * Sends `change` (AnswerDetail) when the answer has changed, and `submit-request` when it is to be sent.
 * `value` is what the question's `check_answer` takes for its field; null while there is no answer.
 */
export abstract class AnswerElement extends LitElement {
  static readonly formAssociated = true;

  static override readonly properties = {
    question: { type: Object },
    item: { type: Object },
    value: { type: Object },
    name: { type: String, reflect: true },
    disabled: { type: Boolean, reflect: true },
  };

  declare question: Question | null;
  declare item: Item | null;
  declare value: Json;
  declare name: string;
  declare disabled: boolean;
  private readonly internals: ElementInternals | null;
  private initialValue: Json = null;

  constructor() {
    super();
    this.question = null;
    this.item = null;
    this.value = null;
    this.name = "";
    this.disabled = false;
    this.internals = typeof this.attachInternals === "function" ? this.attachInternals() : null;
  }

  /** What is still to be done before the answer can be sent, in words for the person; "" when it can. */
  abstract missing(): string;

  /** Takes back the last step within this answer; false when there is none. */
  undo(): boolean {
    return false;
  }

  /** Does again what was taken back; false when there is nothing. */
  redo(): boolean {
    return false;
  }

  /** Uses a key; true when it was this widget's. Keys that somebody types into a field never come here. */
  protected useKey(_event: KeyboardEvent, _inside: boolean): boolean {
    return false;
  }

  /** What a validity message points at. */
  protected anchor(): HTMLElement | undefined {
    return undefined;
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
    if (!changed.has("value") && !changed.has("question")) return;
    const { value } = this;
    this.internals?.setFormValue?.(value === null ? null : typeof value === "string" ? value : JSON.stringify(value));
    const missing = this.missing();
    this.internals?.setValidity?.(missing ? { valueMissing: true } : {}, missing, this.anchor());
  }

  /** Takes a new answer from the person, and tells the page. */
  protected give(value: Json, by: AnswerDetail["by"]): void {
    if (this.disabled) return;
    this.value = value;
    const detail: AnswerDetail = { value, by };
    this.dispatchEvent(new CustomEvent("change", { detail, bubbles: true }));
  }

  protected requestSubmit(): void {
    this.dispatchEvent(new CustomEvent("submit-request", { bubbles: true }));
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || this.disabled) return;
    // A dialog over the page has the keyboard to itself.
    if (this.ownerDocument.querySelector("dialog[open]")) return;
    const target = event.target instanceof Element ? event.target : null;
    const inside = target !== null && this.contains(target);
    const typing = target?.matches(FIELD) ?? false;
    if (inside && !typing && this.useKey(event, true)) {
      event.preventDefault();
      return;
    }
    const elsewhere = !inside && target?.closest(INTERACTIVE);
    // Typing belongs to a field; a button or link only keeps Enter for itself.
    if (typing || (elsewhere && event.key === "Enter")) return;
    if (event.key === "Enter") {
      event.preventDefault();
      if (!event.repeat) this.requestSubmit();
      return;
    }
    if (!inside && this.useKey(event, false)) event.preventDefault();
  };
}

/** Registers an element under its name, once. */
export function define(tag: string, element: CustomElementConstructor): void {
  if (!customElements.get(tag)) customElements.define(tag, element);
}
