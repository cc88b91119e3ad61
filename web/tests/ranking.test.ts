// <ch-ranking> grows an order by digits and clicks, changes it by arrows and tools, and takes steps back.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AnswerDetail } from "../src/widgets/element.ts";
import { orderOf, placed, Steps } from "../src/widgets/ordering.ts";
import { RankingElement } from "../src/widgets/ranking.ts";

const ALL = ["a", "b", "c", "d"];
const press = (key: string, extra: KeyboardEventInit = {}) =>
  (document.activeElement ?? document.body).dispatchEvent(
    new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...extra }),
  );

async function aRanking(settings: object = {}) {
  const ranking = new RankingElement();
  const options = ALL.map((value) => ({ value, label: `Option ${value}` }));
  ranking.question = { kind: "ranking", prompt: "In order", field: "label", options, ...settings };
  ranking.item = { id: 1, key: "k", text: "All of it", image_url: null };
  const changes: AnswerDetail[] = [];
  ranking.addEventListener("change", (event) => changes.push((event as CustomEvent<AnswerDetail>).detail));
  document.body.append(ranking);
  await ranking.updateComplete;
  const keys = async (...pressed: string[]) => {
    for (const key of pressed) {
      press(key);
      await ranking.updateComplete;
      await ranking.updateComplete; // the focus follows the row to its place
    }
  };
  return { ranking, changes, keys };
}

const shown = (ranking: RankingElement, list: string) =>
  [...ranking.querySelectorAll<HTMLElement>(`${list} .rank-row`)].map((row) => row.dataset["value"]);
const main = (ranking: RankingElement, value: string) =>
  ranking.querySelector<HTMLButtonElement>(`[data-value=${value}] .rank-main`);

beforeEach(() => document.body.replaceChildren());
afterEach(() => document.body.replaceChildren());

describe("<ch-ranking>", () => {
  it("picks the next best by digit; the last one falls into its place", async () => {
    const { ranking, changes, keys } = await aRanking();
    expect(ranking.missing()).toBe("Choose the best one first");
    await keys("3", "1");
    expect(ranking.missing()).toBe("Rank 2 more first");
    await keys("4");
    expect(changes.at(-1)).toEqual({ value: ["c", "a", "d", "b"], by: "key" });
    expect(ranking.missing()).toBe("");
    expect(shown(ranking, "ol")).toEqual(["c", "a", "d", "b"]);
    expect(shown(ranking, "ul")).toEqual([]);
  });

  it("moves what was picked last, or what a digit takes hold of, by the arrows", async () => {
    const { ranking, keys } = await aRanking();
    await keys("1", "2", "3", "ArrowUp", "ArrowUp");
    expect(ranking.value).toEqual(["c", "a", "b", "d"]);
    await keys("4", "Home", "ArrowDown");
    expect(ranking.value).toEqual(["c", "d", "a", "b"]);
    expect(document.activeElement).toBe(main(ranking, "d"));
    await keys("ArrowUp", "ArrowUp", "ArrowUp", "End", "ArrowDown");
    expect(ranking.value).toEqual(["c", "a", "b", "d"]);
  });

  it("takes out, back and forth", async () => {
    const { ranking, keys } = await aRanking();
    await keys("1", "2", "Delete");
    expect(ranking.value).toEqual(["a"]);
    expect(ranking.undo()).toBe(true);
    expect(ranking.value).toEqual(["a", "b"]);
    ranking.undo();
    expect(ranking.undo()).toBe(true);
    expect(ranking.value).toBeNull();
    expect(ranking.undo()).toBe(false);
    ranking.redo();
    ranking.redo();
    expect(ranking.redo()).toBe(true);
    expect(ranking.value).toEqual(["a"]);
    expect(ranking.redo()).toBe(false);
  });

  it("forgets its steps with the item", async () => {
    const { ranking, keys } = await aRanking();
    await keys("1");
    ranking.item = { id: 2, key: "l", text: "Another", image_url: null };
    ranking.value = null;
    await ranking.updateComplete;
    expect(ranking.undo()).toBe(false);
  });

  it("ranks as many as are wanted and says when that is all", async () => {
    const { ranking, keys } = await aRanking({ min_ranked: 1, max_ranked: 2 });
    await keys("2");
    expect(ranking.missing()).toBe("");
    await keys("3", "1");
    expect(ranking.value).toEqual(["b", "c"]);
    expect(ranking.querySelector("[role=status]")?.textContent).toBe("2 are ranked: take one out first");
  });

  it("picks by a click and changes by its tools", async () => {
    const { ranking } = await aRanking();
    main(ranking, "b")?.click();
    main(ranking, "a")?.click();
    await ranking.updateComplete;
    ranking.querySelector<HTMLButtonElement>("[data-value=a] [aria-label^='Move up']")?.click();
    expect(ranking.value).toEqual(["a", "b"]);
    await ranking.updateComplete;
    ranking.querySelector<HTMLButtonElement>("[data-value=b] [aria-label^='Take out']")?.click();
    expect(ranking.value).toEqual(["a"]);
  });

  it("names a row by its place, and hostile labels as text", async () => {
    const { ranking, keys } = await aRanking({ options: [{ value: "a", label: "<b onclick=x>" }, { value: "b", label: "B" }] });
    await keys("1");
    expect(main(ranking, "a")?.textContent?.replace(/\s+/g, " ").trim()).toBe("1 1 Place 1: <b onclick=x>");
    expect(ranking.querySelector("b")).toBeNull();
  });
});

describe("an order", () => {
  const within = { all: ALL, fewest: 4, most: 4 };

  it("is complete when all but one are placed, but one that was taken out stays out", () => {
    expect(placed(["a", "b"], "c", 2, within)).toEqual(["a", "b", "c", "d"]);
    expect(placed(["a", "b", "c"], "c", 0, within)).toEqual(["c", "a", "b"]);
    expect(placed(["a", "b"], "c", 0, { ...within, fewest: 3 })).toEqual(["c", "a", "b"]);
  });

  it("takes no more than its most", () => {
    const full = ["a", "b"];
    expect(placed(full, "c", 0, { ...within, fewest: 1, most: 2 })).toBe(full);
    expect(placed(full, "b", 0, { ...within, fewest: 1, most: 2 })).toEqual(["b", "a"]);
  });

  it("is read from a draft without what is no option, and each once", () => {
    expect(orderOf(["b", "x", 3, "b", "a"], ALL)).toEqual(["b", "a"]);
    expect(orderOf("ab", ALL)).toEqual([]);
    expect(orderOf(null, ALL)).toEqual([]);
  });

  it("can do nothing again after a new step", () => {
    const steps = new Steps<string>();
    steps.note("one");
    expect(steps.undo("two")).toBe("one");
    steps.note("one");
    expect(steps.redo("three")).toBeUndefined();
  });
});
