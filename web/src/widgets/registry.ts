// Which element answers which kind of question. All but the commonest come in a file of their own, when they are needed.
import "./choice.ts";

export interface Widget {
  tag: `ch-${string}`;
  /** Fetches the element; nothing for what is there from the start. */
  load?: () => Promise<unknown>;
  /** A single key can be a whole answer: the person may have it submit at once. */
  oneKey?: boolean;
  /** The widget draws the item itself: the page does not. */
  drawsItem?: boolean;
}

export const WIDGETS: Readonly<Record<string, Widget>> = {
  choice: { tag: "ch-choice", oneKey: true },
  spans: { tag: "ch-spans", load: () => import("./spans.ts"), drawsItem: true },
};
