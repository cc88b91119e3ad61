// How a typed text is counted and checked before it is sent: as the server does it, so that none comes back refused.

export interface TextSettings {
  fewest: number;
  most: number;
  multiline: boolean;
  pattern: string;
}

export const LONGEST = 20_000;
const MOST_WORK = 20_000_000;

export function settingsOf(question: Record<string, unknown> | null, multiline = false): TextSettings {
  const { min_length: fewest, max_length: most, multiline: lines, pattern } = question ?? {};
  return {
    fewest: typeof fewest === "number" ? fewest : 1,
    most: typeof most === "number" ? most : LONGEST,
    multiline: typeof lines === "boolean" ? lines : multiline,
    pattern: typeof pattern === "string" ? pattern : "",
  };
}

/** Returns a text as it is stored: NFC, single spaces, none at the ends of lines. */
export function canonical(text: string, multiline: boolean): string {
  const lines = text.normalize("NFC").replace(/\r\n?/g, "\n");
  return (multiline ? lines : lines.replaceAll("\n", " "))
    .replace(/[^\S\n\uFEFF]+/g, " ")
    .split("\n")
    .map((line) => line.replace(/^ | $/g, ""))
    .join("\n")
    .replace(/^\n+|\n+$/g, "");
}

/** How long a text is, in characters as the server counts them: an emoji is one, though two units in a browser. */
export function lengthOf(text: string, multiline: boolean): number {
  let count = 0;
  for (const _ of canonical(text, multiline)) count += 1;
  return count;
}

/** Says what keeps a text from being an answer, in plain words; "" when nothing does. */
export function wrongWith(text: string, settings: TextSettings): string {
  const { fewest, most, multiline, pattern } = settings;
  const stored = canonical(text, multiline);
  const length = lengthOf(stored, multiline);
  if (length === 0 && fewest > 0) return "Write an answer first";
  if (length < fewest) return `Write at least ${fewest} characters: ${fewest - length} more`;
  if (length > most || text.length > 4 * most) return `At most ${most} characters: ${Math.max(1, length - most)} too many`;
  if (/[\p{Surrogate}\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/u.test(text)) {
    return "There is a character in it that cannot be stored: type it again by hand";
  }
  return pattern && fits(pattern, stored) === false ? `Write it in the form ${pattern}` : "";
}

/**
 * Whether a whole text is of a pattern; null where only the server can tell.
 * The server's engine takes time linear in the text; the browser's may take years, so it only gets what is quick.
 */
export function fits(pattern: string, text: string): boolean | null {
  if (workOf(pattern, text.length) > MOST_WORK) return null;
  try {
    return new RegExp(`^(?:${pattern})$`, "u").test(text);
  } catch {
    return null; // in RE2's own dialect
  }
}

/** How many ways a backtracking engine may have to try, at worst. */
function workOf(pattern: string, length: number): number {
  const bare = pattern
    .replace(/\\[^]/g, "x")
    .replace(/\[[^\]]*\]/g, "x")
    .replaceAll("(?:", "(")
    .replace(/\{\d+\}/g, "");
  // a repeated group that repeats or offers ways within: the ways multiply with each character
  if (/\([^()]*[*+?{|][^()]*\)[*+{]/.test(bare) || /\)[^()]*\)[*+{]/.test(bare)) return Infinity;
  const loops = (bare.match(/[*+]|\{\d*,?\d*\}/g) ?? []).length;
  const forks = (bare.match(/\?|\|/g) ?? []).length;
  return (length + 1) ** loops * 2 ** forks * (bare.length + 1);
}
