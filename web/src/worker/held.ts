// The assignments this tab holds, kept over a reload: the server would not lease them to the same person again. With
// them what was answered so far of the one on the screen.
import type { Json } from "../widgets/element.ts";
import type { Assignment } from "./contract.ts";

const MARGIN_MS = 5_000;

export class Held {
  private readonly key: string;
  private readonly draftKey: string;

  constructor(
    batchId: string,
    workerId: string,
    private readonly storage: Storage | null,
  ) {
    this.key = `ch-held:${workerId}:${batchId}`;
    this.draftKey = `ch-draft:${workerId}:${batchId}`;
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

  /** What was answered so far of an assignment; null when nothing was. */
  draft(assignmentId: string | number): Json {
    try {
      const kept = JSON.parse(this.storage?.getItem(this.draftKey) ?? "null") as { id?: unknown; answer?: Json } | null;
      return kept?.id === assignmentId ? (kept.answer ?? null) : null;
    } catch {
      return null;
    }
  }

  keepDraft(assignmentId: string | number, answer: Json): void {
    try {
      this.storage?.setItem(this.draftKey, JSON.stringify({ id: assignmentId, answer }));
    } catch {
      // Without storage, or with a draft that is too long for it, a reload starts this one anew.
    }
  }

  forget(): void {
    this.storage?.removeItem(this.key);
    this.storage?.removeItem(this.draftKey);
  }
}
