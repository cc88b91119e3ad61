// <ch-choice> chooses by digit, click and arrow, says how, and asks for a submit on Enter.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ChoiceElement } from "../src/widgets/choice.ts";
import type { AnswerDetail } from "../src/widgets/element.ts";
import { assignKeys } from "../src/widgets/keys.ts";

const press = (key: string, target: EventTarget = document.body, extra: KeyboardEventInit = {}) =>
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...extra }));

async function aChoice(...labels: string[]): Promise<{ choice: ChoiceElement; changes: AnswerDetail[] }> {
  const choice = new ChoiceElement();
  const options = labels.map((label) => ({ value: label.toLowerCase(), label }));
  choice.question = { kind: "choice", prompt: "Which?", field: "label", options };
  choice.name = "label";
  const changes: AnswerDetail[] = [];
  choice.addEventListener("change", (event) => changes.push((event as CustomEvent<AnswerDetail>).detail));
  document.body.append(choice);
  await choice.updateComplete;
  return { choice, changes };
}

const radios = (choice: ChoiceElement) => [...choice.querySelectorAll<HTMLElement>("[role=radio]")];

beforeEach(() => document.body.replaceChildren());
afterEach(() => document.body.replaceChildren());

describe("keys of the options", () => {
  it("counts from 1 and leaves 0 free", () => {
    expect(assignKeys(["a", "b", "c"])).toEqual(["1", "2", "3"]);
  });

  it("goes on with letters beyond nine options", () => {
    const keys = assignKeys(Array.from({ length: 12 }, (_, index) => `class ${index}`));
    expect(keys.slice(8)).toEqual(["9", "q", "w", "e"]);
  });

  it("gives a digit its own key", () => {
    expect(assignKeys([..."0123456789"])).toEqual([..."0123456789"]);
    expect(assignKeys(["1", "1"])).toEqual(["1", "2"]);
  });

  it("has no key left for the nineteenth option", () => {
    expect(assignKeys(Array.from({ length: 19 }, (_, index) => `class ${index}`)).at(-1)).toBe("");
  });
});

describe("<ch-choice>", () => {
  it("chooses by digit, wherever the focus is", async () => {
    const { choice, changes } = await aChoice("Positive", "Negative");
    press("2");
    await choice.updateComplete;
    expect(changes).toEqual([{ value: "negative", by: "key" }]);
    expect(radios(choice).map((radio) => radio.getAttribute("aria-checked"))).toEqual(["false", "true"]);
  });

  it("chooses the digit 7 by pressing 7", async () => {
    const { choice } = await aChoice(..."0123456789");
    press("7");
    expect(choice.value).toBe("7");
    press("0");
    expect(choice.value).toBe("0");
  });

  it("leaves digits alone while somebody types, and with Ctrl", async () => {
    const { choice } = await aChoice("Positive", "Negative");
    const field = document.createElement("input");
    document.body.append(field);
    press("1", field);
    press("1", document.body, { ctrlKey: true });
    expect(choice.value).toBeNull();
  });

  it("chooses by a click and says so", async () => {
    const { choice, changes } = await aChoice("Positive", "Negative");
    radios(choice)[0]?.click();
    expect(changes).toEqual([{ value: "positive", by: "pointer" }]);
  });

  it("moves with the arrows, one stop for the tab key", async () => {
    const { choice } = await aChoice("A", "B", "C");
    choice.focus();
    press("ArrowLeft", radios(choice)[0]);
    await choice.updateComplete;
    expect(choice.value).toBe("c");
    expect(document.activeElement).toBe(radios(choice)[2]);
    expect(radios(choice).map((radio) => radio.tabIndex)).toEqual([-1, -1, 0]);
  });

  it("asks for a submit on Enter, but not when a button has it or the key is held", async () => {
    const { choice } = await aChoice("Positive", "Negative");
    const asked = vi.fn();
    choice.addEventListener("submit-request", asked);
    const button = document.createElement("button");
    document.body.append(button);
    press("Enter", button);
    press("Enter", document.body, { repeat: true });
    expect(asked).not.toHaveBeenCalled();
    press("Enter");
    expect(asked).toHaveBeenCalledOnce();
  });

  it("writes labels as text, never as markup", async () => {
    const { choice } = await aChoice("<img src=x onerror=alert(1)>");
    expect(choice.querySelector("img")).toBeNull();
  });

  it("stops listening when it leaves the page", async () => {
    const { choice } = await aChoice("Positive", "Negative");
    choice.remove();
    press("1");
    expect(choice.value).toBeNull();
  });
});
