// Keys with Alt, which work in the middle of typing.

/** Whether Alt and this key are pressed. On a Mac, Alt with a letter types a sign: there the key's place tells. */
export function isAlt(event: KeyboardEvent, key: string): boolean {
  if (!event.altKey || event.ctrlKey || event.metaKey || event.getModifierState("AltGraph")) return false;
  if (/^[a-z0-9,.]$/i.test(event.key)) return event.key.toLowerCase() === key;
  const code = { ",": "Comma", ".": "Period" }[key] ?? (/\d/.test(key) ? `Digit${key}` : `Key${key.toUpperCase()}`);
  return event.code === code;
}
