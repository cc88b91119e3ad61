// The types that a mark can have, as buttons: above the text, and beside what the pointer has just chosen.
import { html, nothing } from "lit";
import type { TemplateResult } from "lit";
import type { Type } from "./templates.ts";

interface Bar {
  /** The type of the mark that the person is at, or the one that the pointer marks with. */
  pressed: string | null;
  use(label: string): void;
}

const BESIDE = 9;

export function typesOf(types: readonly Type[], { pressed, use }: Bar): TemplateResult {
  return html`<div class="types ${types.length > BESIDE ? "many" : ""}" role="group" aria-label="Types">
    ${types.map((type) => html`<button type="button" class="type" aria-keyshortcuts=${type.key || nothing}
      aria-pressed=${type.value === pressed ? "true" : "false"} @mousedown=${refuse} @click=${() => use(type.value)}
      ><span class="sw ${type.tint}"></span><bdi>${type.label}</bdi>
      ${type.key ? html`<kbd aria-hidden="true">${type.key.toUpperCase()}</kbd>` : nothing}</button>`)}
  </div>`;
}

/** The first types, where the hand is: the same buttons once more, so the tab key passes them by. */
export function popOf(types: readonly Type[], use: (label: string) => void): TemplateResult {
  return html`<div class="pop" role="group" aria-label="Mark as">
    ${types.slice(0, BESIDE).map((type) => html`<button type="button" class="type" tabindex="-1" @mousedown=${refuse}
      @click=${() => use(type.value)}><span class="sw ${type.tint}"></span><bdi>${type.label}</bdi>
      ${type.key ? html`<kbd aria-hidden="true">${type.key.toUpperCase()}</kbd>` : nothing}</button>`)}
  </div>`;
}

/** Puts it under a point of the window, within its parent's sides. */
export function place(pop: HTMLElement, { x, y }: { x: number; y: number }): void {
  const room = (pop.offsetParent ?? pop).getBoundingClientRect();
  const left = Math.max(0, Math.min(x - room.left - pop.offsetWidth / 2, room.width - pop.offsetWidth));
  pop.style.setProperty("left", `${left}px`);
  pop.style.setProperty("top", `${y - room.top + 20}px`);
}

/** A press that must not take the focus from the text, nor begin a selection of the browser's own. */
export function refuse(event: Event): void {
  event.preventDefault();
}

export function keepFocus(event: Event): void {
  if (event.target instanceof Element && !event.target.closest("button")) event.preventDefault();
}
