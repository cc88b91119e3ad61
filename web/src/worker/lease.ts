// When to speak of a lease's end, and how: under two minutes or a fifth of it, whichever is less.

const SPEAK_UNDER_MS = 120_000;

export function leaseNotice(leftMs: number, wholeMs: number): string | null {
  if (leftMs >= Math.min(SPEAK_UNDER_MS, wholeMs / 5)) return null;
  if (leftMs <= 0) return "Time is up";
  const seconds = Math.ceil(leftMs / 1000);
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${String(seconds % 60).padStart(2, "0")} left`;
}
