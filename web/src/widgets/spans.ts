// <ch-spans>: the question kind `spans`: passages of the text, each with a type; by keyboard, mouse or touch.
import { html, nothing } from "lit";
import type { PropertyValues } from "lit";
import { AnswerElement, define } from "./element.ts";
import type { Json } from "./element.ts";
import { clicked, selectDragged } from "./spans/hand.ts";
import type { Mark } from "./spans/marks.ts";
import { Pointer, hitAt, rectOf } from "./spans/pointing.ts";
import type { Hit } from "./spans/pointing.ts";
import { Sheet } from "./spans/sheet.ts";
import { depthOf, keysOf, listOf, textOf, words } from "./spans/templates.ts";
import type { Drawn } from "./spans/templates.ts";
import { keepFocus, place, popOf, refuse, typesOf } from "./spans/types.ts";

type By = "key" | "pointer";

export class SpansElement extends AnswerElement {
  private sheet = new Sheet(null, null);
  /** The answer as it last left this widget: any other comes from the page. */
  private given: Json = null;
  /** Where the pointer let go of a selection, for the types beside it. */
  private pop: { x: number; y: number } | null = null;
  private wanted: "chip" | "text" | null = null;
  private readonly pointer = new Pointer({
    down: (hit, event) => this.onDown(hit, event),
    drag: (from, to, event) => this.onDrag(from, to, event),
    up: (hit, dragged, event) => this.onUp(hit, dragged, event),
    cancel: () => this.act(() => this.sheet.caret.rest(), "pointer"),
  });

  override missing(): string {
    return this.sheet.missing();
  }

  override focus(options?: FocusOptions): void {
    this.text?.focus(options ?? { preventScroll: true });
  }

  override undo(): boolean {
    return this.travel(this.sheet.marks.undo());
  }

  override redo(): boolean {
    return this.travel(this.sheet.marks.redo());
  }

  protected override anchor(): HTMLElement | undefined {
    return this.text ?? undefined;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get("item");
    const another = before?.id !== this.item?.id || before?.text !== this.item?.text;
    const isNew = changed.has("question") || (changed.has("item") && another);
    if (isNew) {
      const { grain } = this.sheet;
      this.sheet = new Sheet(this.question, this.item);
      this.sheet.grain = grain;
      this.pop = null;
      if (this.text?.contains(this.ownerDocument.activeElement)) this.wanted = "text";
    }
    if (isNew || (changed.has("value") && this.value !== this.given)) {
      this.sheet.restore(this.value);
      this.given = this.value;
    }
  }

  protected override updated(changed: PropertyValues<this>): void {
    super.updated(changed);
    const { wanted, sheet } = this;
    this.wanted = null;
    if (wanted === "chip" && sheet.current !== null) {
      this.querySelector<HTMLElement>(`.chip[data-mark="${sheet.current}"]`)?.focus();
    } else if (wanted === "text") this.text?.focus({ preventScroll: true });
    const popUp = this.querySelector<HTMLElement>(".pop");
    if (popUp && this.pop) place(popUp, this.pop);
  }

  protected override render() {
    const { sheet, disabled } = this;
    const drawn = this.drawn();
    const { marks } = drawn;
    const current = sheet.current === null ? undefined : sheet.marks.get(sheet.current);
    return html`<div class="spans ${disabled ? "rest" : ""}">
      <section>
        ${this.dock(current)}
        <div class="paper">
          ${this.item?.image_url
            ? html`<figure class="stage"><img src=${this.item.image_url} alt="The image of the text" /></figure>`
            : nothing}
          <div class="tokens lanes${depthOf(marks, this.question?.overlap === true)} ${sheet.grain}" role="application" tabindex="0"
            aria-label="Text to mark: ${marks.length === 1 ? "1 mark" : `${marks.length} marks`}"
            @pointerdown=${this.onPointer} @pointermove=${this.onPointer} @pointerup=${this.onPointer}
            @pointercancel=${this.onPointer}
            @mousedown=${keepFocus} @selectstart=${refuse} @copy=${this.onCopy}
          >${textOf(drawn, this.open)}</div>
          ${this.pop ? popOf(sheet.types, (label) => this.use(label, "pointer")) : nothing}
        </div>
        <span class="vh" aria-live="polite">${drawn.selection ? words(sheet.text, drawn.selection) : ""}</span>
      </section>
      <aside class="side" aria-label="Marks">
        <h2>Marks <span class="faint">${marks.length}</span></h2>
        ${listOf(drawn, sheet.marks.none, { open: this.open, remove: (id) => this.removeMark(id, "pointer") })}
        <h2 class="keyhelp">Keys</h2>
        <div class="keyhelp">${keysOf(sheet.types, sheet.noneKey)}</div>
      </aside>
    </div>`;
  }

  private dock(current: Mark | undefined) {
    const { sheet } = this;
    const count = sheet.marks.all.length;
    return html`<div class="dock">
      ${typesOf(sheet.types, { pressed: current?.label ?? sheet.armed, use: (label) => this.use(label, "pointer") })}
      <div class="tools">
        ${sheet.noneKey ? html`<button type="button" class="btn nothing" aria-pressed=${sheet.marks.none ? "true" : "false"}
          aria-disabled=${count > 0 ? "true" : nothing} @click=${() => this.act(() => sheet.toggleNone(), "pointer")}
          >Nothing to mark <kbd>${sheet.noneKey.toUpperCase()}</kbd></button>` : nothing}
        <button type="button" class="btn quiet" aria-pressed=${sheet.grain === "character" ? "true" : "false"}
          @mousedown=${refuse} @click=${() => this.act(() => sheet.toggleGrain(), "pointer")}>Characters <kbd>X</kbd></button>
        ${sheet.marks.canUndo ? html`<button type="button" class="btn quiet" @mousedown=${refuse}
          @click=${() => this.undo()}>Undo</button>` : nothing}
        ${current ? html`<button type="button" class="btn quiet" @mousedown=${refuse}
          @click=${() => this.removeMark(current.id, "pointer")}>Remove mark <kbd>Del</kbd></button>` : nothing}
      </div>
      <p class="said" role="status">${sheet.said}</p>
    </div>`;
  }

  protected override useKey(event: KeyboardEvent, inside: boolean): boolean {
    const target = event.target instanceof Element ? event.target : null;
    const inText = this.text?.contains(target) ?? false;
    const button = inside && !inText ? target?.closest("button") : null;
    if (button && event.key === "Enter") {
      if (!event.repeat) button.click();
      return true;
    }
    if ((inText || !inside) && this.moveBy(event, inText)) return true;
    if (event.key === "Escape") return this.act(() => this.sheet.letGo(), "key", inText ? "text" : null);
    if (event.key === "Delete" || event.key === "Backspace") return this.removeMark(undefined, "key");
    return !event.repeat && this.useLetter(event.key.toLowerCase());
  }

  private useLetter(key: string): boolean {
    const { sheet } = this;
    const type = sheet.types.find((one) => one.key === key);
    if (type) return this.use(type.value, "key");
    if (key === sheet.noneKey && key !== "") this.act(() => sheet.toggleNone(), "key");
    else if (key === "x") this.act(() => sheet.toggleGrain(), "key");
    else return false;
    return true;
  }

  /** Keys that go from place to place; those that scroll a page do so unless the text has the focus. */
  private moveBy(event: KeyboardEvent, inText: boolean): boolean {
    const { sheet } = this;
    const { key, shiftKey } = event;
    if (key === "ArrowLeft" || key === "ArrowRight") {
      const focus = shiftKey && sheet.current !== null ? "chip" : "text";
      this.act(() => sheet.step((key === "ArrowRight") !== sheet.rtl, shiftKey), "key", focus);
    } else if (!inText) return false;
    else if (key === "Tab") return this.openMark(sheet.beside(!shiftKey));
    else if (key === "Home" || key === "End") {
      const at = sheet.caret.place?.start ?? 0;
      this.act(() => sheet.goTo(sheet.words.edge(at, sheet.grain, key === "End"), shiftKey), "key", "text");
    } else if (key === "ArrowUp" || key === "ArrowDown") {
      this.act(() => this.goLine(key === "ArrowDown", shiftKey), "key", "text");
    } else return false;
    this.showPlace();
    return true;
  }

  /** Goes to the word above or below. */
  private goLine(down: boolean, extend: boolean): void {
    const { sheet, text } = this;
    const { place } = sheet.caret;
    if (!text || !place) return sheet.goTo(sheet.words.after(0, sheet.grain), false);
    const box = rectOf(text, place.start);
    const line = box && parseFloat(getComputedStyle(text).lineHeight);
    for (let lines = 1; box && line && lines <= 3; lines += 1) {
      const hit = hitAt(text, (box.left + box.right) / 2, (box.top + box.bottom) / 2 + (down ? lines : -lines) * line);
      const to = hit && sheet.words.at(hit.under, sheet.grain);
      if (to && (down ? to.start > place.start : to.start < place.start)) return sheet.goTo(to, extend);
    }
  }

  private onDown(hit: Hit, event: PointerEvent): void {
    const { sheet } = this;
    this.text?.focus({ preventScroll: true });
    this.pop = null;
    const step = sheet.words.at(hit.under, sheet.grain);
    if (event.shiftKey && step) this.act(() => sheet.goTo(step, true), "pointer");
  }

  private onDrag(from: Hit, to: Hit, event: PointerEvent): void {
    if (selectDragged(this.sheet, { from, to }, event.altKey)) this.requestUpdate();
  }

  private onUp(hit: Hit, dragged: boolean, event: PointerEvent): void {
    if (!dragged && !event.shiftKey) this.openMark(clicked(this.sheet, hit, event));
    if (this.sheet.caret.selection === null || this.act(() => this.sheet.useArmed(), "pointer")) return;
    this.pop = { x: event.clientX, y: event.clientY };
    this.requestUpdate();
  }

  private use(label: string, by: By): true {
    this.pop = null;
    this.act(() => this.sheet.use(label), by);
    return true;
  }

  private openMark(id: number | undefined): boolean {
    if (id === undefined) return false;
    this.wanted = "chip";
    this.open(id);
    return true;
  }

  private readonly open = (id: number): void => {
    if (this.disabled || this.sheet.current === id) return;
    this.sheet.open(id);
    this.pop = null;
    this.requestUpdate();
    if (this.wanted === null) void this.updateComplete.then(() => this.showPlace());
  };

  private removeMark(id: number | undefined, by: By): boolean {
    const inText = this.text?.contains(this.ownerDocument.activeElement) ?? false;
    return this.act(() => this.sheet.remove(id), by, inText ? "text" : null);
  }

  /** Does a step; true when it changed something, and the page is told where it changed the answer. */
  private act(step: () => boolean | void, by: By, focus: "chip" | "text" | null = null): boolean {
    if (this.disabled) return false;
    const changed = step() === true;
    if (by === "key") this.pop = null;
    this.wanted = focus;
    this.requestUpdate();
    if (changed && JSON.stringify(this.sheet.answer) !== JSON.stringify(this.given)) this.tell(by);
    return changed;
  }

  private travel(moved: boolean): boolean {
    if (!moved) return false;
    this.sheet.letGo();
    this.requestUpdate();
    this.tell("key");
    return true;
  }

  private tell(by: By): void {
    this.given = this.sheet.answer;
    this.give(this.given, by);
  }

  private get text(): HTMLElement | null {
    return this.querySelector<HTMLElement>(".tokens");
  }

  private drawn(): Drawn {
    const { text, words: all, marks, caret, current, byValue } = this.sheet;
    return { text, paragraphs: all.paragraphs, marks: marks.all, selection: caret.selection, current, types: byValue };
  }

  private readonly onPointer = (event: PointerEvent): void => {
    if (this.text && !this.disabled) this.pointer.handle(event, this.text);
  };

  /** The browser knows of no selection here: what is marked blue is ours. */
  private readonly onCopy = (event: ClipboardEvent): void => {
    const { text, caret } = this.sheet;
    if (caret.selection === null) return;
    event.clipboardData?.setData("text/plain", text.slice(caret.selection.start, caret.selection.end));
    event.preventDefault();
  };

  private showPlace(): void {
    void this.updateComplete.then(() => {
      const place = this.querySelector(".tokens .sel") ?? this.querySelector(".tokens .chip.here");
      place?.scrollIntoView?.({ block: "nearest" });
    });
  }
}

define("ch-spans", SpansElement);

declare global {
  interface HTMLElementTagNameMap {
    "ch-spans": SpansElement;
  }
}
