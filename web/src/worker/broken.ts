// "Can't be answered": a quiet button under the choices, and the field in which the person says why.
import { html, nothing } from "lit";
import type { TemplateResult } from "lit";
import type { Actions, ViewState } from "./view.ts";

const LONGEST = 500;

export function cannotBeAnswered(state: ViewState, actions: Actions): TemplateResult {
  const { session, askingWhy } = state;
  // While the last answer is being changed there is an answer already: it can only be changed into another.
  if (session.changingLast) return html`${nothing}`;
  const send = (event: Event) => {
    const field = (event.target as HTMLElement).closest(".why")?.querySelector("input");
    actions.reportBroken(field?.value ?? "");
  };
  const onKey = (event: KeyboardEvent) => {
    event.stopPropagation(); // a digit typed here chooses nothing
    if (event.key === "Escape") actions.askWhy(false);
    if (event.key !== "Enter") return;
    event.preventDefault();
    send(event);
  };
  return html`<div class="aside">
      <button type="button" class="btn quiet" aria-expanded=${askingWhy ? "true" : "false"} aria-controls="why"
        ?disabled=${session.current === null} @click=${() => actions.askWhy(!askingWhy)}>Can’t be answered</button>
    </div>
    ${askingWhy
      ? html`<div class="field why" id="why">
          <label for="why-text">Why can’t it be answered? It is paid like an answer.</label>
          <input id="why-text" maxlength=${LONGEST} autocomplete="off" placeholder="The text is cut off" @keydown=${onKey} />
          <p class="row under">
            <button type="button" class="btn" @click=${send}>Send and go on</button>
            <button type="button" class="btn quiet" @click=${() => actions.askWhy(false)}>Cancel</button>
          </p>
        </div>`
      : nothing}`;
}
