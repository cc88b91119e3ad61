// What answers that are typed share: the text as it stands in the field, its steps back and forth, focus, submit keys.
import type { PropertyValues } from "lit";
import { AnswerSteps } from "./answer_steps.ts";
import { AnswerElement } from "./element.ts";
import type { Json } from "./element.ts";

interface Typing {
  text: string;
  caret: number;
  value: Json;
}

const PAUSE_MS = 1_000;
type Field = HTMLInputElement | HTMLTextAreaElement;

export abstract class TypedElement extends AnswerElement {
  /** What stands in the field; the answer's value follows from it. */
  protected typed = "";
  private readonly steps = new AnswerSteps<Typing>();
  private stood: Typing = { text: "", caret: 0, value: null };
  private lastKind = "";
  private lastAt = 0;

  /** Returns the answer that this text is; null while it is none. */
  protected abstract meaning(text: string): Json;

  /** Returns the text that stands for an answer. */
  protected abstract textOf(value: Json): string;

  /** Whether this key press sends the answer from within the field. */
  protected submits(event: KeyboardEvent): boolean {
    return event.key === "Enter" && !event.shiftKey;
  }

  /** Uses a key pressed in the field; true when it was this widget's. */
  protected useFieldKey(_event: KeyboardEvent): boolean {
    return false;
  }

  override undo(): boolean {
    const before = this.steps.back(this.now());
    if (before === undefined) return this.steps.any;
    this.restore(before);
    return true;
  }

  override redo(): boolean {
    const after = this.steps.forth(this.now());
    if (after !== undefined) this.restore(after);
    return after !== undefined;
  }

  override focus(options?: FocusOptions): void {
    this.field()?.focus(options);
  }

  protected override anchor(): HTMLElement | undefined {
    return this.field() ?? undefined;
  }

  protected field(): Field | null {
    return this.querySelector<Field>("[data-own-undo]");
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    const other = changed.has("item");
    if (other) this.steps.clear();
    // What is typed is left as it is while it means the same.
    const means = JSON.stringify(this.value) === JSON.stringify(this.meaning(this.typed));
    if (other || (changed.has("value") && !means)) this.typed = this.textOf(this.value);
    if (other) this.lastKind = "";
    this.stood = this.now();
  }

  protected override updated(changed: PropertyValues<this>): void {
    super.updated(changed);
    if (changed.has("item")) takeFocus(this);
  }

  /** Puts this text in the field's place, as one step. */
  protected write(text: string, value: Json = this.meaning(text)): void {
    this.keepStep("written");
    this.take(text, value);
  }

  protected readonly onInput = (event: Event): void => {
    const field = event.target as Field;
    const kind = (event as InputEvent).inputType || "typed";
    this.keepStep(field.value.length === this.typed.length + 1 && !/\s$/.test(field.value) ? kind : `${kind} ${Date.now()}`);
    this.take(field.value, this.meaning(field.value));
  };

  protected readonly onFieldKey = (event: KeyboardEvent): void => {
    // In the middle of composing a character, Enter and arrows belong to the input method.
    if (event.isComposing || event.keyCode === 229 || this.disabled) return;
    if (this.useFieldKey(event)) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (!this.submits(event)) return;
    event.preventDefault();
    if (!event.repeat) this.requestSubmit();
  };

  private take(text: string, value: Json): void {
    if (this.disabled) return;
    this.typed = text;
    this.give(value, "typing");
    this.requestUpdate();
    this.stood = this.now();
  }

  /** One step for a word typed in one go, one for each cut, paste, or change after a pause. */
  private keepStep(kind: string): void {
    const at = Date.now();
    if (kind !== this.lastKind || at - this.lastAt > PAUSE_MS) this.steps.keep(this.stood);
    this.lastKind = kind;
    this.lastAt = at;
  }

  private now(): Typing {
    return { text: this.typed, caret: this.field()?.selectionEnd ?? this.typed.length, value: this.value };
  }

  private restore(typing: Typing): void {
    this.lastKind = "";
    this.take(typing.text, typing.value);
    void this.updateComplete.then(() => this.field()?.setSelectionRange(typing.caret, typing.caret));
  }
}

/** Leads the keyboard to an element where nobody is anywhere else; on a phone it would open the keyboard unasked. */
export function takeFocus(element: HTMLElement): void {
  const page = element.ownerDocument;
  const at = page.activeElement;
  const free = at === null || at === page.body || at.matches("main, .wbar .btn");
  if (free && page.defaultView?.matchMedia?.("(pointer: fine)").matches) element.focus({ preventScroll: true });
}
