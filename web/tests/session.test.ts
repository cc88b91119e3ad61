// A session shows the next item at once, counts only what stands, lets the last answer be changed, and stops cleanly.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "../src/worker/api.ts";
import type { WorkerApi } from "../src/worker/api.ts";
import type { Assignment } from "../src/worker/contract.ts";
import { Held } from "../src/worker/held.ts";
import { Outbox } from "../src/worker/outbox.ts";
import { Session } from "../src/worker/session.ts";

const LATER = "2100-01-01T00:00:00Z";
const settle = () => new Promise((done) => setTimeout(done, 0));

function anAssignment(id: number): Assignment {
  return {
    id,
    task_id: id,
    item: { id, key: `item-${id}`, text: `Item ${id}`, image_url: null },
    question: { kind: "choice", prompt: "Which?", options: [{ value: "a", label: "A" }], field: "label" },
    lease_ends_at: new Date(Date.now() + 600_000).toISOString(),
    price: "0.05",
    currency: "USD",
  };
}

/** A server with so many assignments; its next submits can be made to fail. */
function aServer(count: number) {
  let given = 0;
  const take = (wanted: number) =>
    Array.from({ length: Math.min(wanted, count - given) }, () => anAssignment((given += 1)));
  return {
    serverNow: () => Date.now(),
    claim: vi.fn((_: string, wanted: number) => Promise.resolve(take(wanted))),
    submit: vi.fn((id: number, body: { next: number }) =>
      Promise.resolve({ answer: { id: 100 + id, assignment_id: id, replaceable_until: "" }, next: take(body.next), earned: "0.05" }),
    ),
    replace: vi.fn((id: number) => Promise.resolve({ id, assignment_id: id - 100, replaceable_until: "" })),
    extend: vi.fn(() => Promise.resolve({ lease_ends_at: LATER })),
    release: vi.fn(),
  };
}

async function aSession(server: ReturnType<typeof aServer>): Promise<Session> {
  const api = server as unknown as WorkerApi;
  let key = 0;
  const session = new Session(api, {
    batchId: "1",
    outboxFor: (events) => new Outbox(api, events, "7", localStorage),
    held: new Held("1", "7", sessionStorage),
    activeSeconds: { restart: () => undefined, seconds: () => 2 },
    changed: () => undefined,
    preload: () => undefined,
    newKey: () => `key-${(key += 1)}`,
  });
  await session.start();
  return session;
}

function answerOf(server: ReturnType<typeof aServer>, call: number): unknown {
  return server.submit.mock.calls[call]?.[1];
}

function answer(session: Session, value = "a"): void {
  session.give(value);
  session.submit();
}

beforeEach(() => {
  localStorage.clear();
  sessionStorage.clear();
});

describe("session", () => {
  it("claims two and shows the second before the first has arrived", async () => {
    const server = aServer(10);
    const session = await aSession(server);
    expect(server.claim).toHaveBeenCalledExactlyOnceWith("1", 2);
    answer(session);
    expect(session.current?.id).toBe(2);
    await settle();
    answer(session);
    expect(session.current?.id).toBe(3);
  });

  it("asks for a choice before it submits", async () => {
    const server = aServer(2);
    const session = await aSession(server);
    session.submit("Choose one first");
    expect(session.hint).toBe("Choose one first");
    session.submit();
    expect(session.hint).toBe("There is no answer yet");
    expect(server.submit).not.toHaveBeenCalled();
  });

  it("keeps what was answered so far over a reload, and forgets it with the next item", async () => {
    const server = aServer(4);
    const session = await aSession(server);
    session.give(["a", "b"]);
    const again = await aSession(server);
    expect([again.current?.id, again.answer]).toEqual([1, ["a", "b"]]);
    again.submit();
    expect([again.current?.id, again.answer]).toEqual([2, null]);
  });

  it("gets more time for what is on the screen, or says why not", async () => {
    const server = aServer(4);
    const session = await aSession(server);
    await session.moreTime();
    expect(server.extend).toHaveBeenCalledExactlyOnceWith(1);
    expect(session.current?.lease_ends_at).toBe(LATER);
    server.extend.mockRejectedValueOnce(new Problem(409, "Too late", "Its time was extended often enough."));
    await session.moreTime();
    expect(session.notice).toEqual({ tone: "warn", text: "Its time was extended often enough." });
  });

  it("says when nothing is left, and what was earned", async () => {
    const session = await aSession(aServer(2));
    answer(session);
    answer(session);
    await settle();
    expect([session.phase, session.answered, session.earnedMicros]).toEqual(["empty", 2, 100_000n]);
  });

  it("changes the last answer with PUT and goes back to where it was", async () => {
    const server = aServer(10);
    const session = await aSession(server);
    answer(session, "a");
    await settle();
    session.undo();
    expect([session.current?.id, session.answer]).toEqual([1, "a"]);
    answer(session, "b");
    await settle();
    expect(server.replace).toHaveBeenCalledExactlyOnceWith(101, { label: "b" });
    expect([session.current?.id, session.answered]).toEqual([2, 1]);
  });

  it("takes a refused answer off the earnings and goes on", async () => {
    const server = aServer(10);
    const session = await aSession(server);
    server.submit.mockRejectedValueOnce(new Problem(409, "Conflict", "The lease is over."));
    answer(session);
    await settle();
    expect([session.answered, session.earnedMicros, session.notice?.tone]).toEqual([0, 0n, "warn"]);
    expect(session.canUndo).toBe(false);
    expect(server.claim).toHaveBeenLastCalledWith("1", 1);
    expect(session.current?.id).toBe(2);
  });

  it("shows the same item after a reload", async () => {
    const server = aServer(10);
    await aSession(server);
    const again = await aSession(server);
    expect(again.current?.id).toBe(1);
    expect(server.claim).toHaveBeenCalledOnce();
  });

  it("gives back what it holds when the person leaves", async () => {
    const server = aServer(10);
    const session = await aSession(server);
    session.leave();
    expect(server.release.mock.calls).toEqual([[1], [2]]);
    expect(sessionStorage.length).toBe(0);
  });

  it("stops with a way back when the server cannot be reached", async () => {
    const server = aServer(10);
    server.claim.mockRejectedValueOnce(new Problem(0, "No connection", ""));
    const session = await aSession(server);
    expect(session.phase).toBe("failed");
    await session.retry();
    expect([session.phase, session.current?.id]).toEqual(["asking", 1]);
  });

  it("sends that an item cannot be answered in place of an answer, and lets that be changed into one", async () => {
    const server = aServer(3);
    const session = await aSession(server);
    expect(session.reportBroken(" x ")).toBe(false);
    expect(session.hint).toBe("Say in a few words why");
    expect(session.reportBroken(" The text is cut off ")).toBe(true);
    await settle();
    expect(answerOf(server, 0)).toMatchObject({ broken: "The text is cut off", client_key: "key-1" });
    expect(answerOf(server, 0)).not.toHaveProperty("value");
    expect(session.answered).toBe(1);
    expect(session.current?.id).toBe(2);
    session.undo();
    expect(session.reportBroken("Again")).toBe(false);
    answer(session);
    await settle();
    expect(server.replace).toHaveBeenCalledWith(101, { label: "a" });
  });
});
