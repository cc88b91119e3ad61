// The worker's REST API over fetch: the session cookie, the CSRF header, problems as typed errors, the server's clock.
import type { AnswerReceipt, AnswerValue, Assignment, Submission, SubmitReply } from "./contract.ts";

const TIMEOUT_MS = 20_000;

/** The server said no (RFC 9457). Status 0: it could not be reached at all. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
  ) {
    super(detail || title);
  }

  /** Whether asking again, unchanged, may help. */
  get passing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }

  get signedOut(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

export class WorkerApi {
  private ahead = 0;

  constructor(
    private readonly base: string,
    private readonly csrf: string,
  ) {}

  /** The server's time now, as its Date headers tell it: leases must not depend on the visitor's clock. */
  serverNow(): number {
    return Date.now() + this.ahead;
  }

  claim(batchId: string, count: number): Promise<Assignment[]> {
    return this.call<Assignment[]>("POST", `/batches/${encodeURIComponent(batchId)}/claim`, { count });
  }

  submit(assignmentId: string | number, body: Submission): Promise<SubmitReply> {
    return this.call<SubmitReply>("POST", `/assignments/${encodeURIComponent(assignmentId)}/submit`, body);
  }

  replace(answerId: string | number, value: AnswerValue): Promise<AnswerReceipt> {
    return this.call<AnswerReceipt>("PUT", `/answers/${encodeURIComponent(answerId)}`, { value });
  }

  /** Asks for the full time again from now. */
  extend(assignmentId: string | number): Promise<{ lease_ends_at: string }> {
    return this.call("POST", `/assignments/${encodeURIComponent(assignmentId)}/extend`, {});
  }

  /** Gives a place back while the page is closing; nobody is left to read the reply. */
  release(assignmentId: string | number): void {
    const url = `${this.base}/assignments/${encodeURIComponent(assignmentId)}/release`;
    void fetch(url, { method: "POST", headers: this.headers(), credentials: "same-origin", keepalive: true }).catch(
      () => undefined, // the lease then runs out by itself
    );
  }

  private headers(): Record<string, string> {
    return { Accept: "application/json", "Content-Type": "application/json", "X-CSRF-Token": this.csrf };
  }

  private async call<Reply>(method: string, path: string, body: object): Promise<Reply> {
    let response: Response;
    try {
      response = await fetch(this.base + path, {
        method,
        headers: this.headers(),
        credentials: "same-origin",
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch {
      throw new Problem(0, "No connection", "The server could not be reached.");
    }
    const date = Date.parse(response.headers.get("Date") ?? "");
    if (!Number.isNaN(date)) this.ahead = date - Date.now();
    if (!response.ok) throw await readProblem(response);
    try {
      return (await response.json()) as Reply;
    } catch {
      throw new Problem(0, "The reply was cut off", "The server’s reply could not be read.");
    }
  }
}

async function readProblem(response: Response): Promise<Problem> {
  const said = (await response.json().catch(() => ({}))) as { title?: unknown; detail?: unknown };
  const word = (value: unknown, otherwise: string) => (typeof value === "string" ? value : otherwise);
  return new Problem(response.status, word(said.title, response.statusText), word(said.detail, ""));
}
