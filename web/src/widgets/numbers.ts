// How a number is read from what somebody typed, held to the question's settings, and stepped.

export interface NumberSettings {
  min: number | null;
  max: number | null;
  step: number | null;
  integer: boolean;
}

const NEAR = 1e-6; // as the server counts: a share of a step
const LARGEST = 1e15;
const ZEROS = [0x0660, 0x06f0, 0x0966, 0x09e6]; // Arabic, Persian, Devanagari, Bengali

/** Reads the settings of a question. */
export function settingsOf(question: Record<string, unknown> | null): NumberSettings {
  const number = (name: string) => (typeof question?.[name] === "number" ? (question[name] as number) : null);
  return { min: number("min"), max: number("max"), step: number("step"), integer: question?.["integer"] === true };
}

/** Brings other digits, signs and spaces into the form that programs read. */
function plain(typed: string): string {
  return [...typed.normalize("NFKC")]
    .map((one) => {
      const code = one.codePointAt(0) ?? 0;
      const zero = ZEROS.find((first) => code >= first && code <= first + 9);
      return zero === undefined ? one : String(code - zero);
    })
    .join("")
    .replaceAll("٫", ".")
    .replace(/^[−–]/, "-")
    .replace(/[\s'’٬]/g, "");
}

/** Returns the number; null where there is none, or where a comma may mean two things. */
export function readNumber(typed: string): number | null {
  if (isAmbiguous(typed)) return null;
  const said = ungrouped(plain(typed)).replace(/^([^,.]*),([^,.]*)$/, "$1.$2");
  if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(said)) return null;
  const number = Number(said);
  return Math.abs(number) > LARGEST ? null : number;
}

/** 1,234.5 and 1.234,5 say themselves which is which; so do several groups. */
function ungrouped(said: string): string {
  if (/^[+-]?\d{1,3}((,\d{3})+\.\d+|(,\d{3}){2,})$/.test(said)) return said.replaceAll(",", "");
  if (/^[+-]?\d{1,3}((\.\d{3})+,\d+|(\.\d{3}){2,})$/.test(said)) return said.replaceAll(".", "").replace(",", ".");
  return said;
}

/** 1,234 is one thing in London and another in Berlin. */
export const isAmbiguous = (typed: string): boolean => /^[+-]?[1-9]\d{0,2},\d{3}$/.test(plain(typed));

/** Writes a number out in full: 0.000000001, not 1e-9. */
export function show(number: number): string {
  return String(number).includes("e") ? number.toFixed(9).replace(/\.?0+$/, "") : String(number);
}

/** Says what keeps a number from being an answer, in plain words; "" when nothing does. */
export function wrongWith(typed: string, settings: NumberSettings): string {
  if (typed.trim() === "") return "Type a number first";
  if (isAmbiguous(typed)) {
    const said = plain(typed);
    return `Write ${said.replace(",", "")} or ${said.replace(",", ".")}: the comma may mean either`;
  }
  const number = readNumber(typed);
  if (number === null) return "This is not a number";
  const { min, max, step, integer } = settings;
  if ((min !== null && number < min) || (max !== null && number > max)) return `Type a number ${range(settings)}`;
  if (integer && !Number.isInteger(number)) return "Type a whole number";
  if (step === null) return "";
  const steps = (number - (min ?? 0)) / step;
  if (Math.abs(steps - Math.round(steps)) <= NEAR) return "";
  const [below, above] = [Math.floor(steps), Math.ceil(steps)].map((one) => show(onGrid(one, settings)));
  return `Type ${below} or ${above}: steps of ${show(step)}`;
}

/** Says the bounds: "from 0 to 120"; "" when there are none. */
function range({ min, max }: NumberSettings): string {
  if (min !== null && max !== null) return `from ${show(min)} to ${show(max)}`;
  if (min !== null) return `from ${show(min)} up`;
  return max === null ? "" : `up to ${show(max)}`;
}

/** Says which numbers are asked for: "A number from 0 to 120 in steps of 0.5". */
export function describe(settings: NumberSettings): string {
  const { step, integer } = settings;
  const kind = integer ? "A whole number" : "A number";
  const steps = step !== null && !(integer && step === 1) ? `in steps of ${show(step)}` : "";
  return [kind, range(settings), steps].filter(Boolean).join(" ");
}

/** Returns the next number so many steps up or down, on the grid and within the bounds. */
export function stepped(from: number | null, by: number, settings: NumberSettings): number {
  const { min, max } = settings;
  const size = settings.step ?? 1;
  const start = min ?? 0;
  // the first press shows where the scale begins
  const steps = from === null ? (min === null && max !== null && max < 0 ? Math.floor(max / size) : 0) : atStep(from, by, { start, size });
  const most = max === null ? Infinity : Math.floor((max - start) / size + NEAR);
  const least = min === null ? -Infinity : 0;
  return onGrid(Math.min(most, Math.max(least, steps)), settings);
}

function atStep(from: number, by: number, { start, size }: { start: number; size: number }): number {
  const exact = (from - start) / size;
  const near = Math.round(exact);
  if (Math.abs(exact - near) <= NEAR) return near + by;
  // between two steps, the first press goes to the next one
  return by > 0 ? Math.floor(exact) + by : Math.ceil(exact) + by;
}

/** 0.1 × 3 is 0.3, not 0.30000000000000004. */
function onGrid(steps: number, { min, step }: NumberSettings): number {
  const size = step ?? 1;
  const start = min ?? 0;
  return Number((start + steps * size).toFixed(Math.max(decimals(size), decimals(start))));
}

const decimals = (number: number): number => Math.min(12, show(number).split(".")[1]?.length ?? 0);
