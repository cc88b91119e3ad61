// Answers on their way: kept in localStorage until the server has them, sent one by one, again after a lost connection.
// Each has its client_key from the first attempt on, so sending it twice cannot count twice.
import { Problem } from "./api.ts";
import type { AnswerReceipt, AnswerValue, Submission, SubmitReply } from "./contract.ts";

export interface Entry {
  client_key: string;
  assignment_id: string | number;
  batch_id: string;
  value?: AnswerValue;
  /** Instead of a value: why the item itself cannot be answered. */
  broken?: string;
  seconds: number;
  next: number;
  queued_at: number;
  /** Set once the server has the answer: what is still to be sent is the changed value. */
  answer_id?: string | number;
  changed_to?: AnswerValue;
}

export interface Sender {
  submit(assignmentId: string | number, body: Submission): Promise<SubmitReply>;
  replace(answerId: string | number, value: AnswerValue): Promise<AnswerReceipt>;
}

/** `sending`: all is well; `waiting`: the connection is gone; `signed-out`: nothing goes until the person signs in. */
export type OutboxState = "sending" | "waiting" | "signed-out";

export interface OutboxEvents {
  accepted(entry: Entry, reply: SubmitReply): void;
  replaced(entry: Entry): void;
  refused(entry: Entry, problem: Problem): void;
  changed(): void;
}

const PREFIX = "ch-answer:";
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

export class Outbox {
  state: OutboxState = "sending";
  private entries: Entry[];
  private busy = false;
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly prefix: string;

  constructor(
    private readonly sender: Sender,
    private readonly events: OutboxEvents,
    workerId: string,
    private readonly storage: Storage | null,
  ) {
    // One key per answer: two tabs then never overwrite each other's, and another person's stay where they are.
    this.prefix = `${PREFIX}${workerId}:`;
    this.entries = this.load();
  }

  get waiting(): number {
    return this.entries.length;
  }

  add(entry: Entry): void {
    this.entries.push(entry);
    this.keep(entry);
    this.events.changed();
    void this.send();
  }

  /** Another value for an answer given before: sent after the answer itself, whether that is still here or not. */
  change(receipt: { client_key: string; answer_id: string | number | undefined; entry: Entry }, value: AnswerValue): void {
    const queued = this.entries.find((entry) => entry.client_key === receipt.client_key);
    if (queued) {
      queued.changed_to = value;
      this.keep(queued);
      this.events.changed();
      void this.send();
      return;
    }
    const entry: Entry = { ...receipt.entry, changed_to: value };
    if (receipt.answer_id !== undefined) entry.answer_id = receipt.answer_id;
    this.add(entry);
  }

  /** Sends what is there now: at the start, when the connection is back, when the person asks. */
  retry(): void {
    clearTimeout(this.timer);
    this.failures = 0;
    void this.send();
  }

  async send(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    clearTimeout(this.timer);
    try {
      for (let entry = this.entries[0]; entry; entry = this.entries[0]) {
        if (!(await this.sendOne(entry))) break;
      }
    } finally {
      this.busy = false;
      this.events.changed();
    }
  }

  private async sendOne(entry: Entry): Promise<boolean> {
    try {
      if (entry.answer_id === undefined) await this.submit(entry);
      if (entry.changed_to !== undefined) await this.replace(entry);
      this.drop(entry);
      this.succeeded();
      return true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.signedOut) {
        this.state = "signed-out";
        return false;
      }
      if (error.passing) {
        this.waitAndRetry();
        return false;
      }
      this.drop(entry);
      this.succeeded();
      this.events.refused(entry, error);
      return true;
    }
  }

  private async submit(entry: Entry): Promise<void> {
    const { value, broken, client_key, seconds, next } = entry;
    const said = broken === undefined ? { value: value ?? {} } : { broken };
    const reply = await this.sender.submit(entry.assignment_id, { ...said, client_key, seconds, next });
    entry.answer_id = reply.answer.id;
    // Kept with its id only while a change is still to be sent; else it is dropped at once.
    if (entry.changed_to !== undefined) this.keep(entry);
    this.succeeded();
    this.events.accepted(entry, reply);
  }

  private async replace(entry: Entry): Promise<void> {
    // The person may change it again while this one is under way.
    while (entry.answer_id !== undefined && entry.changed_to !== undefined) {
      const value = entry.changed_to;
      await this.sender.replace(entry.answer_id, value);
      if (entry.changed_to === value) delete entry.changed_to;
    }
    this.events.replaced(entry);
  }

  private succeeded(): void {
    this.state = "sending";
    this.failures = 0;
  }

  private waitAndRetry(): void {
    this.state = "waiting";
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.failures);
    this.failures += 1;
    this.timer = setTimeout(() => void this.send(), wait);
  }

  private load(): Entry[] {
    const found: Entry[] = [];
    for (let index = 0; index < (this.storage?.length ?? 0); index += 1) {
      const key = this.storage?.key(index);
      if (!key?.startsWith(this.prefix)) continue;
      try {
        // Nothing is claimed along with an old answer: its page is gone.
        found.push({ ...(JSON.parse(this.storage?.getItem(key) ?? "") as Entry), next: 0 });
      } catch {
        this.storage?.removeItem(key); // not ours, or cut off: it could never be sent
      }
    }
    return found.sort((one, other) => one.queued_at - other.queued_at);
  }

  private keep(entry: Entry): void {
    try {
      this.storage?.setItem(this.prefix + entry.client_key, JSON.stringify(entry));
    } catch {
      // The storage is full or forbidden: the answer still goes out from memory.
    }
  }

  private drop(entry: Entry): void {
    this.entries = this.entries.filter((other) => other !== entry);
    this.storage?.removeItem(this.prefix + entry.client_key);
  }
}

/** localStorage, or null where the browser forbids it. */
export function openStorage(kind: "localStorage" | "sessionStorage"): Storage | null {
  try {
    return window[kind];
  } catch {
    return null;
  }
}
