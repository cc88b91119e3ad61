// One person at one batch: what is on the screen, what is held ahead, what was answered last. Knows no HTML.
import type { Json } from "../widgets/element.ts";
import { Problem } from "./api.ts";
import type { WorkerApi } from "./api.ts";
import type { Assignment, SubmitReply } from "./contract.ts";
import { toMicros } from "./money.ts";
import type { Entry, Outbox } from "./outbox.ts";
import type { LastAnswer, Notice, Surroundings } from "./surroundings.ts";

/** `loading`: the next item is on its way; `empty`: the batch has nothing for this person; `failed`: it could not be had. */
export type Phase = "loading" | "asking" | "empty" | "failed";

const WANTED_AT_ONCE = 2;
const CHANGE_MS = 58_000; // the server says 60 s; two are for the way
const SHORTEST_WHY = 3; // characters, as the server wants
const NOTICE_MS = 6_000;
const LEASE_MARGIN_MS = 2_000;

export class Session {
  phase: Phase = "loading";
  current: Assignment | null = null;
  /** The question of the item on the screen, or of the one before while the next is on its way. */
  question: Assignment["question"] | null = null;
  shownAt = 0;
  answer: Json = null;
  hint = "";
  notice: Notice | null = null;
  answered = 0;
  earnedMicros = 0n;
  failure = "";
  readonly outbox: Outbox;
  private ahead: Assignment[] = [];
  private last: LastAnswer | null = null;
  private changing = false;
  private expected = 0;
  /** What this visit's answers earn, by client key: a refused one is taken off again. */
  private readonly unconfirmed = new Map<string, bigint>();
  private claiming = false;
  private saidAt = 0;

  constructor(
    private readonly api: WorkerApi,
    private readonly around: Surroundings,
  ) {
    this.outbox = around.outboxFor({
      accepted: (entry, reply) => this.onAccepted(entry, reply),
      replaced: () => around.changed(),
      refused: (entry, problem) => this.onRefused(entry, problem),
      changed: () => around.changed(),
    });
  }

  async start(): Promise<void> {
    this.receive(this.around.held.restore(this.api.serverNow()));
    // Answers of an earlier visit go first: until they are there, their items could be handed out again.
    await this.outbox.send();
    await this.refill();
  }

  get changingLast(): boolean {
    return this.changing;
  }

  get canUndo(): boolean {
    if (this.changing || this.last === null) return false;
    return this.last.changeableUntil === undefined || performance.now() < this.last.changeableUntil;
  }

  /** Takes what the person has answered so far; it is kept over a reload. */
  give(answer: Json): void {
    this.answer = answer;
    this.hint = "";
    if (this.current !== null && !this.changing) this.around.held.keepDraft(this.current.id, answer);
    this.around.changed();
  }

  /** Sends the answer, unless something is `missing`: then that is said. */
  submit(missing = ""): void {
    if (this.phase !== "asking" || this.current === null) return;
    if (missing !== "" || this.answer === null) {
      this.hint = missing || "There is no answer yet";
      this.around.changed();
      return;
    }
    if (performance.now() - this.saidAt > NOTICE_MS) this.notice = null; // read, or not worth a stop
    if (this.changing) this.sendChange();
    else this.sendAnswer(this.current, { value: { [this.current.question.field]: this.answer } });
    this.showNext();
  }

  /** The item itself cannot be answered: that is sent in place of an answer, and paid like one. */
  reportBroken(why: string): boolean {
    const said = why.trim();
    if (this.phase !== "asking" || this.current === null || this.changing) return false;
    if (said.length < SHORTEST_WHY) {
      this.hint = "Say in a few words why";
      this.around.changed();
      return false;
    }
    this.sendAnswer(this.current, { broken: said });
    this.showNext();
    return true;
  }

  undo(): void {
    if (!this.canUndo || this.last === null) return;
    if (this.current) this.ahead.unshift(this.current);
    this.changing = true;
    this.show(this.last.assignment, this.last.value);
  }

  dismiss(): void {
    this.notice = null;
    this.around.changed();
  }

  say(tone: Notice["tone"], text: string): void {
    this.notice = { tone, text };
    this.saidAt = performance.now();
    this.around.changed();
  }

  async retry(): Promise<void> {
    this.phase = "loading";
    this.around.changed();
    this.outbox.retry();
    await this.refill();
  }

  /** The person needs longer: the lease of what is on the screen begins anew, as often as the server lets it. */
  async moreTime(): Promise<void> {
    const { current } = this;
    if (current === null) return;
    try {
      current.lease_ends_at = (await this.api.extend(current.id)).lease_ends_at;
      this.around.held.keep(this.heldNow());
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.say("warn", error.message);
    }
    this.around.changed();
  }

  /** The person leaves on purpose: what is held goes back to others at once. */
  leave(): void {
    for (const assignment of this.heldNow()) this.api.release(assignment.id);
    this.around.held.forget();
  }

  private sendAnswer(assignment: Assignment, said: Pick<Entry, "value" | "broken">): void {
    const next = Math.max(0, WANTED_AT_ONCE - this.ahead.length - this.expected);
    const entry: Entry = {
      client_key: this.around.newKey(),
      assignment_id: assignment.id,
      batch_id: this.around.batchId,
      ...said,
      seconds: this.around.activeSeconds.seconds(),
      next,
      queued_at: Date.now(),
    };
    this.expected += next;
    this.last = { assignment, value: said.broken === undefined ? this.answer : null, entry };
    this.answered += 1;
    this.earnedMicros += toMicros(assignment.price);
    this.unconfirmed.set(entry.client_key, toMicros(assignment.price));
    this.outbox.add(entry);
  }

  private sendChange(): void {
    const last = this.last;
    this.changing = false;
    if (last === null || JSON.stringify(last.value) === JSON.stringify(this.answer)) return;
    last.value = this.answer;
    const { client_key, answer_id } = last.entry;
    this.outbox.change({ client_key, answer_id, entry: last.entry }, { [last.assignment.question.field]: this.answer });
  }

  private showNext(): void {
    const now = this.api.serverNow() + LEASE_MARGIN_MS;
    this.ahead = this.ahead.filter((assignment) => Date.parse(assignment.lease_ends_at) > now);
    const next = this.ahead.shift();
    if (next) {
      this.show(next, this.around.held.draft(next.id));
      return;
    }
    this.current = null;
    this.answer = null;
    this.phase = "loading";
    this.around.held.keep([]);
    this.around.changed();
    // With a submit under way its reply brings the next one.
    if (this.expected === 0) void this.refill();
  }

  private show(assignment: Assignment, answer: Json): void {
    this.current = assignment;
    this.question = assignment.question;
    this.answer = answer;
    this.hint = "";
    this.phase = "asking";
    this.shownAt = this.api.serverNow();
    this.around.activeSeconds.restart();
    this.around.held.keep(this.heldNow());
    this.around.changed();
  }

  private heldNow(): Assignment[] {
    return this.current && !this.changing ? [this.current, ...this.ahead] : [...this.ahead];
  }

  private receive(assignments: readonly Assignment[]): void {
    const known = new Set(this.heldNow().map((assignment) => assignment.id));
    for (const assignment of assignments) {
      if (known.has(assignment.id)) continue;
      this.ahead.push(assignment);
      if (assignment.item.image_url) this.around.preload(assignment.item.image_url);
    }
    if (this.current === null && this.ahead.length > 0) this.showNext();
    else this.around.held.keep(this.heldNow());
  }

  private async refill(): Promise<void> {
    const wanted = WANTED_AT_ONCE - this.heldNow().length - this.expected;
    if (this.claiming || wanted <= 0) return;
    this.claiming = true;
    try {
      this.receive(await this.api.claim(this.around.batchId, wanted));
      if (this.current === null && this.expected === 0) this.phase = "empty";
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.onClaimFailed(error);
    } finally {
      this.claiming = false;
      this.around.changed();
    }
  }

  private onClaimFailed(problem: Problem): void {
    if (this.current !== null) return; // there is work on the screen; the next submit asks again
    this.phase = "failed";
    this.failure = problem.signedOut
      ? "You are signed out. Sign in to go on."
      : problem.passing
        ? "The next item could not be fetched: the connection or the server is down."
        : problem.message;
  }

  private onAccepted(entry: Entry, reply: SubmitReply): void {
    this.expected -= entry.next;
    this.unconfirmed.delete(entry.client_key);
    if (this.last?.entry.client_key === entry.client_key) {
      this.last.entry = entry;
      this.last.changeableUntil = performance.now() + CHANGE_MS;
    }
    this.receive(reply.next);
    if (this.current === null && this.expected === 0) this.phase = "empty";
    this.around.changed();
  }

  private onRefused(entry: Entry, problem: Problem): void {
    if (entry.answer_id !== undefined) {
      this.say("warn", "Your first answer stands: the minute in which it could be changed is over.");
      return;
    }
    this.expected -= entry.next;
    this.takeBack(entry.client_key);
    const late = problem.status === 409 || problem.status === 410;
    this.say(
      late ? "warn" : "bad",
      late
        ? "An answer came after its time was up. It is not counted; its place went to someone else."
        : `An answer was not taken: ${problem.message}`,
    );
    void this.refill();
  }

  /** A refused answer was not earned; if it is just being changed, go on with the next item. */
  private takeBack(clientKey: string): void {
    const price = this.unconfirmed.get(clientKey);
    if (price !== undefined) {
      this.answered -= 1;
      this.earnedMicros -= price;
      this.unconfirmed.delete(clientKey);
    }
    if (this.last?.entry.client_key !== clientKey) return;
    this.last = null;
    if (!this.changing) return;
    this.changing = false;
    this.showNext();
  }
}
