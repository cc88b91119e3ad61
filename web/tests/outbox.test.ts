// The outbox loses no answer and counts none twice: dropped connections, reloads, changes, refusals.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "../src/worker/api.ts";
import type { AnswerReceipt, SubmitReply } from "../src/worker/contract.ts";
import { Outbox } from "../src/worker/outbox.ts";
import type { Entry, Sender } from "../src/worker/outbox.ts";

const offline = () => new Problem(0, "No connection", "");

function anEntry(number: number, changes: Partial<Entry> = {}): Entry {
  return {
    client_key: `key-${number}`,
    assignment_id: number,
    batch_id: "1",
    value: { label: "cat" },
    seconds: 2,
    next: 1,
    queued_at: number,
    ...changes,
  };
}

const receipt = (number: number): AnswerReceipt => ({ id: 100 + number, assignment_id: number, replaceable_until: "" });
const reply = (number: number): SubmitReply => ({ answer: receipt(number), next: [], earned: "0.05" });

function aSender() {
  return {
    submit: vi.fn<Sender["submit"]>((id) => Promise.resolve(reply(Number(id)))),
    replace: vi.fn<Sender["replace"]>((id) => Promise.resolve(receipt(Number(id) - 100))),
  };
}

function someEvents() {
  return { accepted: vi.fn(), replaced: vi.fn(), refused: vi.fn(), changed: vi.fn() };
}

beforeEach(() => {
  localStorage.clear();
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

describe("outbox", () => {
  it("sends an answer and forgets it once the server has it", async () => {
    const sender = aSender();
    const events = someEvents();
    const outbox = new Outbox(sender, events, "7", localStorage);
    outbox.add(anEntry(1));
    expect(localStorage.length).toBe(1);
    await vi.runAllTimersAsync();
    expect(events.accepted).toHaveBeenCalledOnce();
    expect(outbox.waiting).toBe(0);
    expect(localStorage.length).toBe(0);
  });

  it("tries again with the same key when the connection drops, and says that it waits", async () => {
    const sender = aSender();
    sender.submit.mockRejectedValueOnce(offline()).mockRejectedValueOnce(new Problem(503, "busy", ""));
    const outbox = new Outbox(sender, someEvents(), "7", localStorage);
    outbox.add(anEntry(1));
    await vi.advanceTimersByTimeAsync(10);
    expect([outbox.state, outbox.waiting]).toEqual(["waiting", 1]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(sender.submit.mock.calls.map(([, body]) => body.client_key)).toEqual(["key-1", "key-1", "key-1"]);
    expect([outbox.state, outbox.waiting]).toEqual(["sending", 0]);
  });

  it("keeps the order, one at a time", async () => {
    const sender = aSender();
    sender.submit.mockRejectedValueOnce(offline());
    const outbox = new Outbox(sender, someEvents(), "7", localStorage);
    for (const number of [1, 2, 3]) outbox.add(anEntry(number));
    await vi.runAllTimersAsync();
    expect(sender.submit.mock.calls.map(([id]) => id)).toEqual([1, 1, 2, 3]);
  });

  it("sends what a reload left behind, claiming nothing with it", async () => {
    const gone = aSender();
    gone.submit.mockRejectedValue(offline());
    new Outbox(gone, someEvents(), "7", localStorage).add(anEntry(1));
    await vi.advanceTimersByTimeAsync(10);

    const sender = aSender();
    await new Outbox(sender, someEvents(), "7", localStorage).send();
    expect(sender.submit).toHaveBeenCalledWith(1, expect.objectContaining({ client_key: "key-1", next: 0 }));
    expect(localStorage.length).toBe(0);
  });

  it("never sends another person's answers", async () => {
    localStorage.setItem("ch-answer:8:key-9", JSON.stringify(anEntry(9)));
    const sender = aSender();
    await new Outbox(sender, someEvents(), "7", localStorage).send();
    expect(sender.submit).not.toHaveBeenCalled();
    expect(localStorage.length).toBe(1);
  });

  it("drops a refused answer, says so, and goes on", async () => {
    const sender = aSender();
    sender.submit.mockRejectedValueOnce(new Problem(409, "Conflict", "The lease is over."));
    const events = someEvents();
    const outbox = new Outbox(sender, events, "7", localStorage);
    outbox.add(anEntry(1));
    outbox.add(anEntry(2));
    await vi.runAllTimersAsync();
    expect(events.refused).toHaveBeenCalledOnce();
    expect(events.accepted).toHaveBeenCalledOnce();
    expect(outbox.waiting).toBe(0);
  });

  it("keeps everything while the person is signed out", async () => {
    const sender = aSender();
    sender.submit.mockRejectedValue(new Problem(401, "Unauthorized", ""));
    const outbox = new Outbox(sender, someEvents(), "7", localStorage);
    outbox.add(anEntry(1));
    await vi.runAllTimersAsync();
    expect([outbox.state, outbox.waiting, localStorage.length]).toEqual(["signed-out", 1, 1]);
  });

  it("changes a queued answer after it has arrived, not before: the first attempt may have been counted", async () => {
    const sender = aSender();
    sender.submit.mockRejectedValueOnce(offline());
    const outbox = new Outbox(sender, someEvents(), "7", localStorage);
    const entry = anEntry(1);
    outbox.add(entry);
    outbox.change({ client_key: "key-1", answer_id: undefined, entry }, { label: "dog" });
    await vi.runAllTimersAsync();
    expect(sender.submit.mock.lastCall?.[1].value).toEqual({ label: "cat" });
    expect(sender.replace).toHaveBeenCalledExactlyOnceWith(101, { label: "dog" });
  });

  it("changes an answer the server already has", async () => {
    const sender = aSender();
    const events = someEvents();
    const outbox = new Outbox(sender, events, "7", localStorage);
    outbox.change({ client_key: "key-1", answer_id: 101, entry: anEntry(1, { answer_id: 101 }) }, { label: "dog" });
    await vi.runAllTimersAsync();
    expect(sender.submit).not.toHaveBeenCalled();
    expect(events.replaced).toHaveBeenCalledOnce();
  });
});
