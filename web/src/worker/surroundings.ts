// What a session needs around it: where answers go, what the tab keeps, the clock of active time; and what it holds.
import type { Json } from "../widgets/element.ts";
import type { Assignment } from "./contract.ts";
import type { Held } from "./held.ts";
import type { Entry, Outbox, OutboxEvents } from "./outbox.ts";

export interface Surroundings {
  batchId: string;
  outboxFor(events: OutboxEvents): Outbox;
  held: Held;
  activeSeconds: { restart(): void; seconds(): number };
  changed(): void;
  preload(url: string): void;
  newKey(): string;
}

export interface Notice {
  tone: "warn" | "bad";
  text: string;
}

export interface LastAnswer {
  assignment: Assignment;
  value: Json;
  entry: Entry;
  /** performance.now() until which the server lets it be changed; unknown until the server has it. */
  changeableUntil?: number;
}
