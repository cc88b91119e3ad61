// The labelling page /work/{batch_id}: joins the session, the templates and the page's own top bar.
import { render } from "lit";
import { ActiveTime } from "./worker/active_time.ts";
import { WorkerApi } from "./worker/api.ts";
import { AnswerHost } from "./worker/answer_host.ts";
import { Held } from "./worker/held.ts";
import { connectInstructions } from "./worker/instructions.ts";
import { leaseNotice } from "./worker/lease.ts";
import { Outbox, openStorage } from "./worker/outbox.ts";
import { Session } from "./worker/session.ts";
import { TopBar } from "./worker/top_bar.ts";
import { isLong, page } from "./worker/view.ts";
import type { Actions, ViewState } from "./worker/view.ts";

const AT_ONCE_KEY = "ch-digit-submits";
const metaContent = (name: string) => document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? "";

function startBench(bench: HTMLElement): void {
  const { batchId = "", currency = "USD", prompt = "" } = bench.dataset;
  const workerId = metaContent("account-id");
  const storage = openStorage("localStorage");
  const api = new WorkerApi("/api/v1", metaContent("csrf-token"));
  const topBar = new TopBar(document, currency);
  const session = new Session(api, {
    batchId,
    outboxFor: (events) => new Outbox(api, events, workerId, storage),
    held: new Held(batchId, workerId, openStorage("sessionStorage")),
    activeSeconds: new ActiveTime(document),
    changed: () => requestDraw(),
    preload: (url) => {
      new Image().src = url;
    },
    newKey: () => crypto.randomUUID?.() ?? fallbackKey(),
  });
  const atOnce = storage?.getItem(AT_ONCE_KEY) === "yes";
  const submit = () => session.submit(host.missing());
  const host = new AnswerHost({
    answered: ({ value, by }) => {
      session.give(value);
      if (state.atOnce && by === "key" && host.widget?.oneKey) submit();
    },
    submit,
    failed: () => session.say("bad", "The form for this question could not be loaded. Reload the page."),
  });
  const state: ViewState = { session, host, prompt, currency, atOnce, lease: null, tall: false, askingWhy: false };
  const instructions = connectInstructions(document);

  const actions: Actions = {
    submit,
    undo: () => {
      session.undo();
      draw();
      // Else Enter would press the undo button again instead of submitting.
      host.element?.focus();
    },
    retry: () => void session.retry(),
    moreTime: () => void session.moreTime(),
    dismiss: () => session.dismiss(),
    atOnce: (on) => {
      state.atOnce = on;
      storage?.setItem(AT_ONCE_KEY, on ? "yes" : "no");
      requestDraw();
    },
    askWhy: (open) => {
      state.askingWhy = open;
      draw();
      (open ? bench.querySelector<HTMLElement>("#why-text") : host.element)?.focus();
    },
    reportBroken: (why) => {
      if (session.reportBroken(why)) actions.askWhy(false);
    },
    imageFailed: () => session.say("bad", "The image could not be loaded. Reload the page, or stop here and go on later."),
  };

  let scheduled = false;
  function requestDraw(): void {
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(draw);
  }
  function draw(): void {
    scheduled = false;
    state.lease = leaseOf(session, api.serverNow());
    state.tall ||= isLong(session.current);
    render(page(state, actions), bench);
    topBar.show(session);
    instructions.show(session.current?.question.instructions ?? "");
  }

  document.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || (key !== "z" && key !== "y")) return;
    // in a field the browser takes back what was typed, unless its widget does
    const own = "input[type=text]:not([data-own-undo]), textarea:not([data-own-undo])";
    if (event.target instanceof Element && event.target.closest(own)) return;
    event.preventDefault();
    if (key === "y" || event.shiftKey) host.redo();
    // held down, the key does not run on into the answer before
    else if (!host.undo() && !event.repeat) actions.undo();
  });
  for (const link of document.querySelectorAll("[data-release]")) link.addEventListener("click", () => session.leave());
  window.addEventListener("online", () => session.outbox.retry());
  window.setInterval(draw, 1000); // the lease and the undo button follow the clock
  draw();
  void session.start();
}

function leaseOf(session: Session, now: number): string | null {
  if (session.current === null || session.changingLast) return null;
  const end = Date.parse(session.current.lease_ends_at);
  return leaseNotice(end - now, end - session.shownAt);
}

/** randomUUID exists in secure contexts only; a house network over plain HTTP is not one. */
function fallbackKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

const bench = document.getElementById("bench");
if (bench) startBench(bench);
