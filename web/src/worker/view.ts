// The labelling page as Lit templates: one frame whose parts never move, whatever the item is.
import { html, nothing } from "lit";
import type { TemplateResult } from "lit";
import type { AnswerElement } from "../widgets/element.ts";
import type { AnswerHost } from "./answer_host.ts";
import type { Assignment } from "./contract.ts";
import { cannotBeAnswered } from "./broken.ts";
import { icon } from "./icons.ts";
import { formatMoney } from "./money.ts";
import type { Session } from "./session.ts";

export interface Actions {
  submit(): void;
  undo(): void;
  retry(): void;
  dismiss(): void;
  atOnce(on: boolean): void;
  imageFailed(): void;
  /** Opens or closes the field in which the person says why the item cannot be answered. */
  askWhy(open: boolean): void;
  reportBroken(why: string): void;
}

export interface ViewState {
  session: Session;
  host: AnswerHost;
  prompt: string;
  currency: string;
  atOnce: boolean;
  lease: string | null;
  /** Once a long text has come, every item has the room for one: the options then stay where they are. */
  tall: boolean;
  askingWhy: boolean;
}

const LONG_TEXT = 260;

export const isLong = (assignment: Assignment | null): boolean => (assignment?.item.text?.length ?? 0) > LONG_TEXT;

export function page(state: ViewState, actions: Actions): TemplateResult {
  const { session } = state;
  if (session.phase === "empty") return empty(state, actions);
  if (session.phase === "failed") return failed(state, actions);
  // first, as it makes known which widget there is and whether it draws the item itself
  const answer = answerOf(state);
  return html`<form class="bench-form" @submit=${(event: Event) => event.preventDefault()}>
    <div class="wmain ${state.tall ? "tall" : ""}">
      <div class="ask-line">
        <h1 class="ask" id="question">${session.question?.prompt ?? state.prompt}</h1>
        ${state.lease ? html`<span class="lease" role="timer">${state.lease}</span>` : nothing}
      </div>
      ${state.host.widget?.drawsItem
        ? nothing
        : session.current ? itemOf(session.current, actions) : html`<div class="item waiting">${skeleton()}</div>`}
      <div class="answer">${notice(session, actions)}${answer}${cannotBeAnswered(state, actions)}</div>
    </div>
    ${bar(state, actions)}
  </form>`;
}

function skeleton(): TemplateResult {
  return html`<span class="vh" role="status">Fetching the next item</span><span class="skel w-line"></span
    ><span class="skel w-half"></span>`;
}

function itemOf(assignment: Assignment, actions: Actions): TemplateResult {
  const { text, image_url: image, audio_url: audio } = assignment.item;
  const long = isLong(assignment);
  return html`<div class="item ${image ? "picture" : ""} ${long ? "long" : ""}" aria-live="polite" dir="auto"
    tabindex=${long ? 0 : nothing}>
    ${image
      ? html`<figure class="stage"><img src=${image} alt="The image to be labelled"
          @load=${markSmall} @error=${() => actions.imageFailed()} /></figure>`
      : nothing}
    ${audio ? html`<audio controls autoplay preload="auto" src=${audio}
      aria-label="The recording to be labelled" @error=${() => actions.imageFailed()}></audio>` : nothing}
    ${text === null ? nothing : html`<p>${text}</p>`}
  </div>`;
}

/** Tiny images are drawn large with their pixels kept: blurred, an 8 × 8 digit cannot be read. */
function markSmall(event: Event): void {
  const image = event.target as HTMLImageElement;
  const longest = Math.max(image.naturalWidth, image.naturalHeight);
  image.classList.toggle("small", longest <= 160);
  image.classList.toggle("pixels", longest <= 64);
}

function answerOf({ session, host }: ViewState): AnswerElement | TemplateResult {
  const { question, current } = session;
  if (question === null) return html`${nothing}`;
  const shown = host.show({ question, item: current?.item ?? null, answer: session.answer });
  return shown ?? html`<p class="empty" role="alert">This page has no form for questions of the kind “${question.kind}”.</p>`;
}

function bar(state: ViewState, actions: Actions): TemplateResult {
  const { session } = state;
  return html`<div class="wbar narrow">
    <div class="wbar-in">
      <button type="button" class="btn quiet big" ?disabled=${!session.canUndo} @click=${() => actions.undo()}>
        ${icon("undo")}<span>${session.changingLast ? "Changing the last answer" : "Undo last answer"}</span>
        <kbd>Ctrl</kbd><kbd>Z</kbd>
      </button>
      <span class="grow says" role="status">${says(session)}</span>
      ${state.host.widget?.oneKey
        ? html`<span class="status"><label class="inline"
            ><input type="checkbox" .checked=${state.atOnce}
              @change=${(event: Event) => actions.atOnce((event.target as HTMLInputElement).checked)} />
            A digit submits at once</label></span>`
        : nothing}
      <button type="button" class="btn primary big" aria-disabled=${session.current ? nothing : "true"}
        @click=${() => actions.submit()}>Submit <kbd>Enter</kbd></button>
    </div>
  </div>`;
}

function says(session: Session): TemplateResult | string {
  const { outbox } = session;
  const answers = `${outbox.waiting} ${outbox.waiting === 1 ? "answer" : "answers"} waiting`;
  if (outbox.state === "waiting") return html`${icon("offline")} Offline, ${answers}`;
  if (outbox.state === "signed-out") return html`Signed out, ${answers}. <a href="/signin">Sign in</a>`;
  return session.hint;
}

function notice(session: Session, actions: Actions): TemplateResult {
  const said = session.notice;
  return html`<div class="over-item" role="alert">
    ${said
      ? html`<div class="notice ${said.tone}">
          ${icon("warn")}<span class="grow">${said.text}</span>
          <button type="button" class="btn quiet square" aria-label="Dismiss" @click=${() => actions.dismiss()}>
            ${icon("close")}
          </button>
        </div>`
      : nothing}
  </div>`;
}

function empty(state: ViewState, actions: Actions): TemplateResult {
  const { session, currency } = state;
  const answers = session.answered === 1 ? "1 answer" : `${session.answered} answers`;
  const earned = formatMoney(session.earnedMicros, currency);
  return html`<div class="wmain">
    ${notice(session, actions)}
    <section class="empty">
      <h2>No work left here right now</h2>
      <p>${session.answered > 0
        ? html`You gave ${answers} and earned <b>${earned}</b> in this session.`
        : "Other people hold the places that are left, or all have been answered."}
        Places can open again when somebody stops.</p>
      <div class="row actions">
        <a class="btn primary big" href="/work">See other work</a>
        <a class="btn big" href="/earnings">Your earnings</a>
        <button type="button" class="btn quiet big" @click=${() => actions.retry()}>Look again</button>
        ${session.canUndo
          ? html`<button type="button" class="btn quiet big" @click=${() => actions.undo()}>
              ${icon("undo")} Undo last answer</button>`
          : nothing}
      </div>
      <p class="cap" role="status">${says(session)}</p>
    </section>
  </div>`;
}

function failed(state: ViewState, actions: Actions): TemplateResult {
  const { session } = state;
  const safe = session.outbox.waiting > 0
    ? `Your answers are safe: ${session.outbox.waiting} wait in this browser and will be sent.`
    : "All your answers have been received.";
  return html`<div class="wmain">
    <section class="empty" role="alert">
      <h2>The work has stopped</h2>
      <p>${session.failure} ${safe}</p>
      <div class="row actions">
        <button type="button" class="btn primary big" @click=${() => actions.retry()}>Try again</button>
        <a class="btn big" href="/work">Back to your work</a>
      </div>
    </section>
  </div>`;
}
