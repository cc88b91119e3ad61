// Amounts as the API sends them (decimal strings) added without floats and written the way the pages write money.

const MICRO_DIGITS = 6;

export function toMicros(amount: string): bigint {
  const match = /^(-?)(\d+)(?:\.(\d{1,6})\d*)?$/.exec(amount.trim());
  if (!match) return 0n;
  const micros = BigInt(match[2] + (match[3] ?? "").padEnd(MICRO_DIGITS, "0"));
  return match[1] ? -micros : micros;
}

/** Two decimals, more only where the amount has more: a balance is never rounded. */
export function formatMoney(micros: bigint, currency: string): string {
  const sign = micros < 0n ? "−" : "";
  const digits = (micros < 0n ? -micros : micros).toString().padStart(MICRO_DIGITS + 1, "0");
  const whole = digits.slice(0, -MICRO_DIGITS).replace(/\B(?=(\d{3})+$)/g, ",");
  const cents = digits.slice(-MICRO_DIGITS).replace(/0{1,4}$/, "");
  const figure = `${whole}.${cents}`;
  return currency === "USD" ? `${sign}$${figure}` : `${sign}${figure} ${currency}`;
}
