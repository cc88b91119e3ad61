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
  choices: { tag: "ch-choices", load: () => import("./choices.ts") },
  rating: { tag: "ch-rating", load: () => import("./rating.ts"), oneKey: true },
  number: { tag: "ch-number", load: () => import("./number.ts") },
  text: { tag: "ch-text", load: () => import("./text.ts") },
  transcription: { tag: "ch-transcription", load: () => import("./transcription.ts"), drawsItem: true },
  boxes: { tag: "ch-boxes", load: () => import("./boxes.ts"), drawsItem: true },
  polygons: { tag: "ch-polygons", load: () => import("./polygons.ts"), drawsItem: true },
  pairwise: { tag: "ch-pairwise", load: () => import("./pairwise.ts"), oneKey: true, drawsItem: true },
  ranking: { tag: "ch-ranking", load: () => import("./ranking.ts") },
  spans: { tag: "ch-spans", load: () => import("./spans.ts"), drawsItem: true },
};
