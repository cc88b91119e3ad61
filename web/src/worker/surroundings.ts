// What a session needs around it: where answers go, what the tab keeps, the clock of active time.
import type { Held } from "./held.ts";
import type { Outbox, OutboxEvents } from "./outbox.ts";

export interface Surroundings {
  batchId: string;
  outboxFor(events: OutboxEvents): Outbox;
  held: Held;
  activeSeconds: { restart(): void; seconds(): number };
  changed(): void;
  preload(url: string): void;
  newKey(): string;
}
