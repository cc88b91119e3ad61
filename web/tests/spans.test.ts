// The logic of <ch-spans>: offsets as the server counts them, words, marks and what the keyboard does with them.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AnswerDetail, Json } from "../src/widgets/element.ts";
import { SpansElement } from "../src/widgets/spans.ts";
import { Marks } from "../src/widgets/spans/marks.ts";
import { Offsets } from "../src/widgets/spans/offsets.ts";
import { byParagraph, lanesOf, piecesOf } from "../src/widgets/spans/pieces.ts";
import { Words, paragraphsOf } from "../src/widgets/spans/words.ts";
import type { Grain } from "../src/widgets/spans/words.ts";

const press = (key: string, extra: KeyboardEventInit = {}) =>
  (document.activeElement ?? document.body).dispatchEvent(
    new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...extra }),
  );

async function aWidget(text: string, settings: Record<string, unknown> = {}, value: Json = null) {
  const spans = new SpansElement();
  const labels = ["Person", "Place"].map((label) => ({ value: label.slice(0, 3).toUpperCase(), label }));
  spans.question = { kind: "spans", prompt: "Mark names", field: "label", labels, unit: "characters", min_count: 0, ...settings };
  spans.item = { id: 1, key: "k", text, image_url: null };
  spans.value = value;
  const changes: AnswerDetail[] = [];
  spans.addEventListener("change", (event) => changes.push((event as CustomEvent<AnswerDetail>).detail));
  document.body.append(spans);
  await spans.updateComplete;
  const keys = async (...names: string[]) => {
    for (const name of names) {
      press(name.replace("Shift+", ""), { shiftKey: name.startsWith("Shift+") });
      await spans.updateComplete;
    }
  };
  return { spans, changes, keys };
}

beforeEach(() => document.body.replaceChildren());
afterEach(() => document.body.replaceChildren());

describe("offsets", () => {
  const texts = ["plain", "", "👋 Ada", "a👩‍👩‍👧b", "é e\u0301 😀😀x", "\ud83d alone \ude00", "日本𠮷野家"];

  it.each(texts)("counts code points in %j as Python does", (text) => {
    const offsets = new Offsets(text);
    let units = 0;
    [...text].forEach((character, points) => {
      expect(offsets.toPoints(units)).toBe(points);
      expect(offsets.toUnits(points)).toBe(units);
      units += character.length;
    });
    expect(offsets.toPoints(text.length)).toBe([...text].length);
    expect(offsets.toUnits([...text].length)).toBe(text.length);
    expect(offsets.length).toBe([...text].length);
  });
});

describe("words", () => {
  const stepsOf = (text: string, grain: Grain = "word"): string[] => {
    const words = new Words(paragraphsOf(text));
    const said: string[] = [];
    for (let step = words.after(0, grain); step; step = words.after(step.end, grain)) said.push(text.slice(step.start, step.end));
    return said;
  };

  it("stops at words and signs, never at spaces or line breaks", () => {
    expect(stepsOf("Ada, can't\n\nwait.")).toEqual(["Ada", ",", "can't", "wait", "."]);
  });

  it("takes a script without spaces by characters", () => {
    expect(stepsOf("東京 is カナ")).toEqual(["東", "京", "is", "カ", "ナ"]);
  });

  it("never cuts an emoji or an accent", () => {
    expect(stepsOf("👩‍👩‍👧e\u0301x", "character")).toEqual(["👩‍👩‍👧", "e\u0301", "x"]);
  });

  it("goes back the way it came", () => {
    const text = "one two\nthree";
    const words = new Words(paragraphsOf(text));
    const said: string[] = [];
    for (let step = words.before(99, "word"); step; step = words.before(step.start, "word")) said.push(text.slice(step.start, step.end));
    expect(said).toEqual(["three", "two", "one"]);
  });

  it("finds the nearest word between two", () => {
    const words = new Words(paragraphsOf("one     two"));
    expect(words.at(4, "word")?.start).toBe(0);
    expect(words.at(7, "word")?.start).toBe(8);
    expect(words.at(99, "word")?.start).toBe(8);
  });

  it("knows which lines run from right to left", () => {
    expect(paragraphsOf("123 שלום\nsaid سلام").map((one) => one.rtl)).toEqual([true, false]);
  });
});

describe("marks", () => {
  const plain = (text: string) => new Offsets(text);

  it("puts a longer mark in the place of those in its way, unless they may overlap", () => {
    const [alone, together] = [false, true].map((overlap) => new Marks({ overlap, most: 9 }));
    for (const marks of [alone, together]) {
      marks?.add({ start: 4, end: 8 }, "A");
      marks?.add({ start: 0, end: 8 }, "B");
    }
    expect(alone?.all.map((mark) => mark.label)).toEqual(["B"]);
    expect(together?.all.map((mark) => mark.label)).toEqual(["B", "A"]);
  });

  it("refuses one more than may be, and the same twice", () => {
    const marks = new Marks({ overlap: true, most: 1 });
    expect(marks.add({ start: 0, end: 1 }, "A").done).toBe("marked");
    expect(marks.add({ start: 0, end: 1 }, "A").done).toBe("same");
    expect(marks.add({ start: 0, end: 1 }, "B").done).toBe("full");
  });

  it("melts two that became the same", () => {
    const marks = new Marks({ overlap: true, most: 9 });
    marks.add({ start: 0, end: 1 }, "A");
    const second = marks.add({ start: 0, end: 1 }, "B");
    if (second.done === "full") throw new Error("not marked");
    marks.relabel(second.mark.id, "A");
    expect(marks.toAnswer(plain("ab"))).toEqual([{ start: 0, end: 1, label: "A" }]);
  });

  it("takes every step back and does it again", () => {
    const marks = new Marks({ overlap: false, most: 9 });
    marks.add({ start: 0, end: 1 }, "A");
    marks.add({ start: 2, end: 3 }, "B");
    expect([marks.undo(), marks.undo(), marks.undo()]).toEqual([true, true, false]);
    expect(marks.toAnswer(plain("abc"))).toBeNull();
    expect([marks.redo(), marks.redo(), marks.redo()]).toEqual([true, true, false]);
    expect(marks.all).toHaveLength(2);
  });

  it("restores a kept answer, and leaves out what cannot be in this text", () => {
    const marks = new Marks({ overlap: true, most: 9 });
    marks.restore([{ start: 2, end: 5, label: "A" }, { start: 2, end: 50, label: "A" }, "no"], plain("👋 Ada"));
    expect(marks.all.map(({ start, end }) => [start, end])).toEqual([[3, 6]]);
  });
});

describe("pieces", () => {
  it("cuts a paragraph where marks begin and end, each overlap in a lane of its own", () => {
    const paragraphs = paragraphsOf("abcdef\nghi");
    const marks = [[0, 4], [2, 9], [4, 5]].map(([start, end], id) => ({ id, start: start ?? 0, end: end ?? 0, label: "A" }));
    const laid = lanesOf(marks);
    expect(laid.map((one) => one.lane)).toEqual([0, 1, 0]);
    const touching = byParagraph(paragraphs, laid);
    expect(touching.map((here) => here.map(({ mark }) => mark.id))).toEqual([[0, 1, 2], [1]]);
    const [first, second] = paragraphs.map((paragraph, index) => piecesOf(paragraph, touching[index] ?? [], { start: 1, end: 2 }));
    expect(first?.map((piece) => piece.text)).toEqual(["a", "b", "cd", "e", "f"]);
    expect(first?.map((piece) => piece.over.map(({ mark }) => mark.id))).toEqual([[0], [0], [1, 0], [1, 2], [1]]);
    expect(first?.map((piece) => piece.selected)).toEqual([false, true, false, false, false]);
    expect(second?.map((piece) => [piece.text, piece.ending.length])).toEqual([["gh", 1], ["i", 0]]);
  });
});

describe("<ch-spans>", () => {
  it("marks words by arrows and digits, counted in code points", async () => {
    const { changes, keys } = await aWidget("👋 Ada Lovelace in London");
    await keys("ArrowRight", "ArrowRight", "Shift+ArrowRight", "1");
    await keys("ArrowRight", "ArrowRight", "2");
    expect(changes.at(-1)).toEqual({
      value: [{ start: 2, end: 14, label: "PER" }, { start: 18, end: 24, label: "PLA" }],
      by: "key",
    });
  });

  it("goes the way the eye goes where the text runs from right to left", async () => {
    const { spans, keys } = await aWidget("עדה גרה בלונדון");
    await keys("ArrowLeft", "ArrowLeft", "2");
    expect(spans.value).toEqual([{ start: 4, end: 7, label: "PLA" }]);
    await keys("ArrowRight", "1");
    expect(spans.value).toEqual([{ start: 0, end: 3, label: "PER" }, { start: 4, end: 7, label: "PLA" }]);
  });

  it("opens marks by the tab key, changes their type and their end, removes them, and lets the tab key go on", async () => {
    const { spans, keys } = await aWidget("Ada met Bob Ray", {}, [
      { start: 0, end: 3, label: "PER" },
      { start: 8, end: 11, label: "PER" },
    ]);
    const named = () => document.activeElement?.textContent?.replace(/\d$/, "").trim();
    spans.focus();
    await keys("Tab");
    expect(named()).toBe("Ada, Person");
    await keys("2");
    expect(spans.value).toEqual([{ start: 0, end: 3, label: "PLA" }, { start: 8, end: 11, label: "PER" }]);
    expect(named()).toBe("Ada, Place");
    await keys("Tab", "Shift+ArrowRight");
    expect(spans.value).toEqual([{ start: 0, end: 3, label: "PLA" }, { start: 8, end: 15, label: "PER" }]);
    expect(press("Tab")).toBe(true); // the browser's own: nothing was prevented
    await keys("Shift+Tab", "Delete");
    expect(spans.value).toEqual([{ start: 8, end: 15, label: "PER" }]);
    expect(document.activeElement).toBe(spans.querySelector(".tokens"));
  });

  it("wants an empty answer to be given on purpose", async () => {
    const { spans, changes, keys } = await aWidget("Nobody is here");
    expect(spans.missing()).toContain("nothing to mark (0)");
    await keys("0");
    expect([spans.value, spans.missing()]).toEqual([[], ""]);
    await keys("ArrowRight", "1", "0");
    expect(changes.at(-1)?.value).toEqual([{ start: 0, end: 6, label: "PER" }]);
    await keys("Delete");
    expect(spans.value).toBeNull();
  });

  it("says how many are lacking", async () => {
    const { spans, keys } = await aWidget("Ada met Bob", { min_count: 2 });
    expect(spans.querySelector(".nothing")).toBeNull();
    await keys("0");
    expect([spans.value, spans.missing()]).toEqual([null, "Mark at least 2 first"]);
    await keys("ArrowRight", "1");
    expect(spans.missing()).toBe("Mark 1 more first");
  });

  it("undoes and does again, and forgets both with the next item", async () => {
    const { spans, keys } = await aWidget("Ada met Bob");
    await keys("ArrowRight", "1", "2");
    expect([spans.undo(), spans.value]).toEqual([true, null]);
    expect([spans.redo(), spans.value]).toEqual([true, [{ start: 0, end: 3, label: "PER" }]]);
    spans.item = { id: 2, key: "l", text: "Someone else", image_url: null };
    spans.value = null;
    await spans.updateComplete;
    expect([spans.undo(), spans.redo()]).toEqual([false, false]);
    expect(spans.querySelector(".tokens")?.textContent?.trim()).toBe("Someone else");
  });

  it("selects characters after X", async () => {
    const { spans, keys } = await aWidget("Ada");
    await keys("x", "ArrowRight", "ArrowRight", "1", "x");
    expect(spans.value).toEqual([{ start: 1, end: 2, label: "PER" }]);
  });

  it("does not answer what it cannot count", async () => {
    const { spans, keys } = await aWidget("Ada met Bob", { unit: "tokens" });
    await keys("ArrowRight", "1");
    expect(spans.missing()).toContain("over the API");
  });

  it("writes texts and labels as text, never as markup", async () => {
    const labels = [{ value: "x", label: "<b onclick=alert(1)>L</b>" }];
    const { spans, keys } = await aWidget("<img src=x onerror=alert(1)> ${7*7}", { labels });
    await keys("ArrowRight", "1");
    expect(spans.querySelector("img, b")).toBeNull();
  });
});
