// The assignments this tab holds, kept over a reload: the server would not lease them to the same person again.
import type { Assignment } from "./contract.ts";

const MARGIN_MS = 5_000;

export class Held {
  private readonly key: string;

  constructor(
    batchId: string,
    workerId: string,
    private readonly storage: Storage | null,
  ) {
    this.key = `ch-held:${workerId}:${batchId}`;
  }

  /** What is still leased at this time, first the one that was on the screen. */
  restore(serverNow: number): Assignment[] {
    try {
      const kept = JSON.parse(this.storage?.getItem(this.key) ?? "[]") as Assignment[];
      return kept.filter((assignment) => Date.parse(assignment.lease_ends_at) - MARGIN_MS > serverNow);
    } catch {
      return [];
    }
  }

  keep(assignments: readonly Assignment[]): void {
    try {
      this.storage?.setItem(this.key, JSON.stringify(assignments));
    } catch {
      // Without storage a reload simply waits for the lease to run out.
    }
  }

  forget(): void {
    this.storage?.removeItem(this.key);
  }
}
