// Numbers and texts: read, counted and checked as the server does it; undone step by step; sent by Enter.
import { afterEach, beforeEach, describe as group, expect, it, vi } from "vitest";
import { isAlt } from "../src/widgets/alt_keys.ts";
import type { AnswerElement, Json } from "../src/widgets/element.ts";
import { NumberElement } from "../src/widgets/number.ts";
import { describe, readNumber, show, stepped, wrongWith } from "../src/widgets/numbers.ts";
import { clock } from "../src/widgets/player.ts";
import { TextElement } from "../src/widgets/text.ts";
import { canonical, fits, lengthOf, settingsOf, wrongWith as wrongText } from "../src/widgets/texts.ts";
import { TranscriptionElement } from "../src/widgets/transcription.ts";

const ANY = { min: null, max: null, step: null, integer: false };

interface Made<Element> {
  element: Element;
  given: Json[];
  asked: ReturnType<typeof vi.fn>;
  field: () => HTMLInputElement | HTMLTextAreaElement;
}

async function shown<Element extends AnswerElement>(element: Element, settings: object, item: object = {}): Promise<Made<Element>> {
  element.question = { kind: "any", prompt: "What?", field: "label", ...settings };
  element.item = { id: 1, key: "1", text: null, image_url: null, ...item };
  const given: Json[] = [];
  const asked = vi.fn();
  element.addEventListener("change", (event) => given.push((event as CustomEvent<{ value: Json }>).detail.value));
  element.addEventListener("submit-request", asked);
  document.body.append(element);
  await element.updateComplete;
  const field = () => element.querySelector<HTMLInputElement | HTMLTextAreaElement>("[data-own-undo]")!;
  return { element, given, asked, field };
}

const press = (target: EventTarget, key: string, extra: KeyboardEventInit = {}) =>
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...extra }));

async function type(made: Made<AnswerElement>, text: string, inputType = "insertText"): Promise<void> {
  made.field().value = text;
  made.field().dispatchEvent(new InputEvent("input", { bubbles: true, inputType }));
  await made.element.updateComplete;
}

beforeEach(() => document.body.replaceChildren());
afterEach(() => document.body.replaceChildren());

group("numbers", () => {
  it.each([
    ["12", 12], [" 1 234.5 ", 1234.5], ["3,5", 3.5], ["−4", -4], [".5", 0.5], ["1,234.5", 1234.5], ["1.234,5", 1234.5],
    ["1,234,567", 1234567], ["٣٫٥", 3.5], ["12", 12], ["०१", 1], ["0,123", 0.123], ["+2", 2],
  ])("reads %s", (typed, number) => expect(readNumber(typed)).toBe(number));

  it.each(["", "abc", "1e3", "1,234", "1..2", "--1", "0x10", "1,23,4", "9999999999999999"])("does not guess %s", (typed) =>
    expect(readNumber(typed)).toBeNull());

  it("says what is wrong in plain words", () => {
    expect(wrongWith("1,234", ANY)).toBe("Write 1234 or 1.234: the comma may mean either");
    expect(wrongWith("x", ANY)).toBe("This is not a number");
    expect(wrongWith("200", { ...ANY, min: 0, max: 120 })).toBe("Type a number from 0 to 120");
    expect(wrongWith("1.5", { ...ANY, integer: true })).toBe("Type a whole number");
    expect(wrongWith("0.35", { ...ANY, min: 0, step: 0.1 })).toBe("Type 0.3 or 0.4: steps of 0.1");
    expect(wrongWith("0.3", { ...ANY, min: 0, step: 0.1 })).toBe("");
  });

  it("steps on the grid, within the bounds, without crumbs", () => {
    const tenths = { ...ANY, min: 0, max: 1, step: 0.1 };
    expect(stepped(0.2, 1, tenths)).toBe(0.3);
    expect(stepped(0.25, 1, tenths)).toBe(0.3);
    expect(stepped(0.25, -1, tenths)).toBe(0.2);
    expect(stepped(0.9, 10, tenths)).toBe(1);
    expect(stepped(null, 1, { ...ANY, min: 5 })).toBe(5);
    expect(stepped(null, -1, ANY)).toBe(0);
    expect(show(1e-9)).toBe("0.000000001");
  });

  it("says which numbers are asked for", () => {
    expect(describe({ ...ANY, min: 0, max: 120, step: 0.5 })).toBe("A number from 0 to 120 in steps of 0.5");
    expect(describe({ ...ANY, integer: true, step: 1, min: 1 })).toBe("A whole number from 1 up");
  });
});

group("<ch-number>", () => {
  it("gives a number as it is typed, and keeps what is no number without giving one", async () => {
    const made = await shown(new NumberElement(), { unit: "kg" });
    await type(made, "3.");
    await type(made, "3.10");
    await type(made, "3.10x");
    expect(made.given).toEqual([3, 3.1, null]);
    expect(made.field().value).toBe("3.10x");
    expect(made.element.missing()).toBe("This is not a number");
  });

  it("steps with arrows and submits with Enter, not while a character is composed", async () => {
    const made = await shown(new NumberElement(), { min: 0, max: 10, step: 2 });
    press(made.field(), "ArrowUp");
    press(made.field(), "ArrowUp");
    expect(made.element.value).toBe(2);
    press(made.field(), "Enter", { isComposing: true });
    expect(made.asked).not.toHaveBeenCalled();
    press(made.field(), "Enter");
    expect(made.asked).toHaveBeenCalledOnce();
  });

  it("takes steps back to the beginning, and the next item starts anew", async () => {
    const made = await shown(new NumberElement(), {});
    expect(made.element.undo()).toBe(false);
    await type(made, "12", "insertFromPaste");
    press(made.field(), "ArrowUp");
    expect(made.element.value).toBe(13);
    made.element.undo();
    made.element.undo();
    expect(made.element.value).toBeNull();
    expect(made.element.undo()).toBe(true); // nothing more to take back, but this item was worked on
    made.element.redo();
    expect(made.element.value).toBe(12);
    made.element.item = { id: 2, key: "2", text: null, image_url: null };
    made.element.value = null;
    await made.element.updateComplete;
    expect(made.field().value).toBe("");
    expect(made.element.undo()).toBe(false);
  });

  it("shows a draft", async () => {
    const element = new NumberElement();
    element.value = 7;
    expect((await shown(element, {})).field().value).toBe("7");
  });
});

group("texts", () => {
  it("are stored with single spaces and counted in characters", () => {
    expect(canonical("  a \t b  \r\n c ", true)).toBe("a b\nc");
    expect(canonical("a\nb", false)).toBe("a b");
    expect(canonical("e\u0301", false)).toBe("é");
    expect(lengthOf("👩🏽‍🚀", false)).toBe(4);
    expect(lengthOf("日本 語", false)).toBe(4);
  });

  it("are held to their settings", () => {
    const settings = settingsOf({ min_length: 3, max_length: 5, pattern: "[A-Z]+-\\d+" });
    expect(wrongText("", settings)).toBe("Write an answer first");
    expect(wrongText("A", settings)).toBe("Write at least 3 characters: 2 more");
    expect(wrongText("ABCDEF", settings)).toBe("At most 5 characters: 1 too many");
    expect(wrongText("abc", settings)).toBe("Write it in the form [A-Z]+-\\d+");
    expect(wrongText("AB-1", settings)).toBe("");
    expect(wrongText("ab\u0007", settings)).toMatch(/cannot be stored/);
    expect(wrongText("ab\ud800", settings)).toMatch(/cannot be stored/);
  });

  it("leave to the server what would keep the browser busy, or what only RE2 knows", () => {
    expect(fits("(a+)+b", "a".repeat(40))).toBeNull();
    expect(fits("(a|aa)*b", "a".repeat(40))).toBeNull();
    expect(fits("((a+)b)*c", "ab")).toBeNull();
    expect(fits(".*.*.*x", "a".repeat(2_000))).toBeNull();
    expect(fits("(?i)abc", "ABC")).toBeNull();
    expect(fits("(?:\\d{3}-)?\\d{4}", "123-4567")).toBe(true);
    expect(fits("a|b", "ab")).toBe(false);
  });
});

group("<ch-text>", () => {
  it("submits one line with Enter, several with Ctrl+Enter", async () => {
    const line = await shown(new TextElement(), { multiline: false });
    press(line.field(), "Enter");
    expect(line.asked).toHaveBeenCalledOnce();
    document.body.replaceChildren();
    const lines = await shown(new TextElement(), { multiline: true });
    press(lines.field(), "Enter");
    expect(lines.asked).not.toHaveBeenCalled();
    press(lines.field(), "Enter", { ctrlKey: true });
    expect(lines.asked).toHaveBeenCalledOnce();
  });

  it("takes a word back in one step", async () => {
    const made = await shown(new TextElement(), {});
    for (const text of ["o", "on", "one", "one ", "one t", "one tw"]) await type(made, text);
    made.element.undo();
    expect(made.element.value).toBe("one ");
    made.element.undo();
    made.element.undo();
    expect(made.element.value).toBeNull();
    made.element.redo();
    expect(made.element.value).toBe("one");
  });

  it("takes nothing for an answer only when that is said", async () => {
    const made = await shown(new TextElement(), { min_length: 0 });
    expect(made.element.missing()).toBe("Write an answer, or press “No text”");
    press(made.field(), "0", { altKey: true });
    expect([made.element.value, made.element.missing()]).toEqual(["", ""]);
    press(made.field(), "0", { altKey: true });
    expect(made.element.value).toBeNull();
  });

  it("writes what is hostile as text", async () => {
    const made = await shown(new TextElement(), { prompt: "<img src=x>", pattern: "<b>" });
    expect(made.element.querySelector("img, b")).toBeNull();
  });
});

group("<ch-transcription>", () => {
  it("plays, goes back and changes speed in the middle of typing", async () => {
    const made = await shown(new TranscriptionElement(), { multiline: true }, { audio_url: "/media/items/1/audio" });
    const audio = made.element.querySelector("audio")!;
    const play = vi.spyOn(audio, "play").mockResolvedValue();
    audio.currentTime = 5;
    press(made.field(), "p", { altKey: true });
    expect(play).toHaveBeenCalledOnce();
    press(made.field(), "®", { altKey: true, code: "KeyR" });
    expect(audio.currentTime).toBe(3);
    press(made.field(), ".", { altKey: true });
    press(made.field(), "p");
    await made.element.updateComplete;
    expect(audio.playbackRate).toBe(1.25);
    expect(play).toHaveBeenCalledOnce();
    expect(made.element.textContent).toContain("1.25 ×");
  });

  it("names times and keys", () => {
    expect(clock(65.9)).toBe("1:05");
    expect(isAlt(new KeyboardEvent("keydown", { key: "p", altKey: true, ctrlKey: true }), "p")).toBe(false);
    expect(isAlt(new KeyboardEvent("keydown", { key: "з", code: "KeyP", altKey: true }), "p")).toBe(true);
  });
});
