// Which key chooses which option: 1 to 9, then the letters of the upper row; 0 stays free for "can't tell".

const BEYOND_NINE = ["q", "w", "e", "r", "t", "y", "u", "o", "p"];
const ORDER = ["1", "2", "3", "4", "5", "6", "7", "8", "9", ...BEYOND_NINE];

/** One key per option, in order; "" where the keys have run out. Options that are digits keep their own. */
export function assignKeys(labels: readonly string[]): string[] {
  const digits = labels.every((label) => /^\d$/.test(label)) && new Set(labels).size === labels.length;
  return digits ? [...labels] : labels.map((_, index) => ORDER[index] ?? "");
}
