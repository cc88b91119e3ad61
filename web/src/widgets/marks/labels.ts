// The labels that a mark can take, and the digit that gives each of them.
import type { Question } from "../element.ts";

export interface Label {
  value: string;
  label: string;
  /** 1 to 9; "" for the labels after the ninth. */
  key: string;
}

const DIGITS = 9;

export function labelsOf(question: Question | null): Label[] {
  const labels = (question?.["labels"] ?? []) as { value: string; label: string }[];
  return labels.map(({ value, label }, index) => ({ value, label, key: index < DIGITS ? String(index + 1) : "" }));
}

/** Which of the six colours; the tag and the list say the same in words. */
export const tintOf = (labels: readonly Label[], value: string): string => {
  const at = labels.findIndex((label) => label.value === value);
  return at < 0 ? "d0" : `d${(at % 6) + 1}`;
};

export const nameOf = (labels: readonly Label[], value: string): string =>
  labels.find((label) => label.value === value)?.label ?? "No label yet";
