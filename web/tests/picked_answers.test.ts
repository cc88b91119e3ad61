// Several choices and ratings: toggled and chosen by keys, held to their bounds, taken back step by step.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ChoicesElement } from "../src/widgets/choices.ts";
import type { AnswerDetail, AnswerElement } from "../src/widgets/element.ts";
import { RatingElement, ratingKeys } from "../src/widgets/rating.ts";

async function shown<Element extends AnswerElement>(element: Element, settings: object) {
  element.question = { kind: "any", prompt: "Which?", field: "label", ...settings };
  element.item = { id: 1, key: "1", text: null, image_url: null };
  const given: AnswerDetail[] = [];
  element.addEventListener("change", (event) => given.push((event as CustomEvent<AnswerDetail>).detail));
  document.body.append(element);
  await element.updateComplete;
  return { element, given };
}

const options = ["A", "B", "C", "D"].map((label) => ({ value: label.toLowerCase(), label }));
const press = (key: string, target: EventTarget = document.body) =>
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));

beforeEach(() => document.body.replaceChildren());
afterEach(() => document.body.replaceChildren());

describe("<ch-choices>", () => {
  it("puts in and takes out by digit, in the options' order", async () => {
    const { element } = await shown(new ChoicesElement(), { options, min_chosen: 2, max_chosen: 4 });
    expect(element.missing()).toBe("Choose at least 2");
    press("3");
    expect(element.missing()).toBe("Choose 1 more");
    press("1");
    expect([element.value, element.missing()]).toEqual([["a", "c"], ""]);
    press("3");
    expect(element.value).toEqual(["a"]);
    press("1");
    expect(element.value).toBeNull();
  });

  it("takes no more than allowed, and says so", async () => {
    const { element } = await shown(new ChoicesElement(), { options, min_chosen: 1, max_chosen: 2 });
    for (const key of ["1", "2", "3"]) press(key);
    await element.updateComplete;
    expect(element.value).toEqual(["a", "b"]);
    expect(element.querySelector("[role=status]")?.textContent).toContain("2 at most: take one away first");
  });

  it("with one at most, another takes its place", async () => {
    const { element } = await shown(new ChoicesElement(), { options, min_chosen: 0, max_chosen: 1 });
    press("1");
    press("2");
    expect(element.value).toEqual(["b"]);
  });

  it("takes none for an answer only when that is said", async () => {
    const { element } = await shown(new ChoicesElement(), { options, min_chosen: 0, max_chosen: 4 });
    expect(element.missing()).toBe("Choose what applies, or “None of these”");
    press("0");
    expect([element.value, element.missing()]).toEqual([[], ""]);
    press("2");
    expect(element.value).toEqual(["b"]);
  });

  it("takes back step by step", async () => {
    const { element } = await shown(new ChoicesElement(), { options, min_chosen: 1, max_chosen: 4 });
    expect(element.undo()).toBe(false);
    press("1");
    press("2");
    element.undo();
    expect(element.value).toEqual(["a"]);
    element.redo();
    expect(element.value).toEqual(["a", "b"]);
  });

  it("moves with arrows without choosing, and chooses with the space bar", async () => {
    const { element } = await shown(new ChoicesElement(), { options, min_chosen: 1, max_chosen: 4 });
    const boxes = [...element.querySelectorAll<HTMLElement>("[role=checkbox]")];
    element.focus();
    press("ArrowDown", boxes[0]);
    expect(element.value).toBeNull();
    expect(document.activeElement).toBe(boxes[1]);
    press(" ", boxes[1]);
    expect(element.value).toEqual(["b"]);
  });
});

describe("keys of a scale", () => {
  it("are the points themselves wherever that can be", () => {
    expect(ratingKeys(1, 5)).toEqual(["1", "2", "3", "4", "5"]);
    expect(ratingKeys(0, 10)).toEqual([..."0123456789", "q"]);
    expect(ratingKeys(1, 10).at(-1)).toBe("0");
    expect(ratingKeys(-2, 2)).toEqual(["1", "2", "3", "4", "5"]);
  });
});

describe("<ch-rating>", () => {
  it("gives the point as a number, by its digit", async () => {
    const { element, given } = await shown(new RatingElement(), { low: 1, high: 5, labels: { "1": "Bad", "5": "Good" } });
    press("4");
    expect(given).toEqual([{ value: 4, by: "key" }]);
    expect(element.textContent).toContain("Bad");
    expect(element.querySelector("[role=radio]")?.getAttribute("aria-label")).toBe("1, Bad");
  });

  it("ends at its ends", async () => {
    const { element } = await shown(new RatingElement(), { low: -2, high: 2 });
    const radios = [...element.querySelectorAll<HTMLElement>("[role=radio]")];
    radios[4]?.focus();
    press("ArrowRight", radios[4]);
    expect(element.value).toBe(2);
    press("Home", radios[4]);
    expect(element.value).toBe(-2);
    element.undo();
    expect(element.value).toBe(2);
  });

  it("slides along a long scale, with no point chosen at first", async () => {
    const { element } = await shown(new RatingElement(), { low: 0, high: 100 });
    const slider = element.querySelector<HTMLInputElement>("input[type=range]")!;
    expect(slider.getAttribute("aria-valuetext")).toBe("Nothing chosen yet");
    expect(element.missing()).not.toBe("");
    press("ArrowUp", slider);
    press("PageUp", slider);
    expect(element.value).toBe(61);
  });
});
