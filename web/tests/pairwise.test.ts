// <ch-pairwise> shows the two columns that its question names, as text, and takes a side by key, arrow and click.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AnswerDetail, Item } from "../src/widgets/element.ts";
import { shapeOf } from "../src/widgets/media.ts";
import { PairwiseElement } from "../src/widgets/pairwise.ts";

const press = (key: string, target: EventTarget = document.body, extra: KeyboardEventInit = {}) =>
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...extra }));

const anItem = (parts?: Record<string, string>) =>
  ({ id: 1, key: "k", text: "What for?", image_url: null, ...(parts && { parts }) }) as Item;

async function aPair(settings: object = {}, parts: Record<string, string> | undefined = { a: "One", b: "Two" }) {
  const pair = new PairwiseElement();
  pair.question = { kind: "pairwise", prompt: "Which?", field: "label", left: "a", right: "b", tie: true, ...settings };
  pair.item = anItem(parts);
  const changes: AnswerDetail[] = [];
  pair.addEventListener("change", (event) => changes.push((event as CustomEvent<AnswerDetail>).detail));
  document.body.append(pair);
  await pair.updateComplete;
  return { pair, changes };
}

const texts = (pair: PairwiseElement) => [...pair.querySelectorAll(".pair-body")].map((body) => body.textContent?.trim());
const radios = (pair: PairwiseElement) => [...pair.querySelectorAll<HTMLElement>("[role=radio]")];

beforeEach(() => document.body.replaceChildren());
afterEach(() => document.body.replaceChildren());

describe("<ch-pairwise>", () => {
  it("shows the named columns in their order, and what both are about", async () => {
    const { pair } = await aPair();
    expect(texts(pair)).toEqual(["One", "Two"]);
    expect(pair.querySelector(".pair-context")?.textContent?.trim()).toBe("What for?");
  });

  it("says which column an item lacks, whatever its name", async () => {
    expect(texts((await aPair({}, { a: "One" })).pair)[1]).toBe("This item has nothing in its column “b”.");
    document.body.replaceChildren();
    const { pair } = await aPair({ left: "constructor", right: "toString" }, undefined);
    expect(texts(pair)[0]).toBe("This item has nothing in its column “constructor”.");
  });

  it.each([
    ["1", "left"],
    ["2", "right"],
    ["0", "tie"],
    ["3", "tie"],
  ])("takes the key %s as %s", async (key, value) => {
    const { changes } = await aPair();
    press(key);
    expect(changes).toEqual([{ value, by: "key" }]);
  });

  it("knows no tie where none is allowed", async () => {
    const { pair, changes } = await aPair({ tie: false });
    press("0");
    press("3");
    expect(changes).toEqual([]);
    expect(radios(pair)).toHaveLength(2);
  });

  it("takes arrows to the sides, and within the choices to the next", async () => {
    const { pair, changes } = await aPair();
    press("ArrowRight");
    press("ArrowLeft");
    pair.focus();
    press("ArrowRight", document.activeElement ?? document.body);
    expect(changes.map(({ value, by }) => `${String(value)} ${by}`)).toEqual(["right arrow", "left arrow", "tie arrow"]);
    await pair.updateComplete;
    expect(radios(pair).map((radio) => radio.tabIndex)).toEqual([-1, 0, -1]);
  });

  it("takes a click on a side, but not one that ends the marking of words", async () => {
    const { pair, changes } = await aPair();
    const right = pair.querySelector<HTMLElement>("[data-side=right] p");
    document.getSelection()?.selectAllChildren(right as HTMLElement);
    right?.click();
    expect(changes).toEqual([]);
    document.getSelection()?.removeAllRanges();
    right?.click();
    expect(changes).toEqual([{ value: "right", by: "pointer" }]);
  });

  it("says what is missing, and takes nothing while it rests", async () => {
    const { pair, changes } = await aPair();
    expect(pair.missing()).toBe("Choose a side first");
    pair.disabled = true;
    press("1");
    expect(changes).toEqual([]);
    pair.value = "left";
    expect(pair.missing()).toBe("");
  });

  it("writes what is hostile as text", async () => {
    const { pair } = await aPair({}, { a: "<img src=x onerror=alert(1)>", b: "javascript:alert(1)" });
    expect(pair.querySelector("img, a")).toBeNull();
  });
});

describe("what a value is shown as", () => {
  it.each([
    ["/media/items/12", "image"],
    ["/media/items/12/audio", "audio"],
    ["data:image/png;base64,iVBORw0KGgo=", "image"],
    ["data:image/svg+xml;base64,PHN2Zz4=", "text"],
    ["data:text/html;base64,PGI+", "text"],
    ["https://example.org/a.png", "text"],
    ["//example.org/media/items/12", "text"],
    ["/media/items/12/../../signout", "text"],
    ["See /media/items/12", "text"],
  ])("%s: %s", (value, shape) => expect(shapeOf(value)).toBe(shape));
});
