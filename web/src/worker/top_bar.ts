// The parts of the page's own top bar that follow the work: items done, earned in this session, the progress line.
import { formatMoney } from "./money.ts";
import type { Session } from "./session.ts";

export class TopBar {
  private readonly done: HTMLElement | null;
  private readonly earned: HTMLElement | null;
  private readonly progress: Element | null;

  constructor(
    page: Document,
    private readonly currency: string,
  ) {
    this.done = page.getElementById("done-count");
    this.earned = page.getElementById("session-earned");
    this.progress = page.getElementById("progress-bar");
  }

  show(session: Session): void {
    const before = Number(this.done?.dataset["done"] ?? 0);
    const total = Number(this.done?.dataset["total"] ?? 0);
    const done = before + session.answered;
    const words = total > 0 ? `${count(done)} of ${count(Math.max(total, done))} done` : `${count(done)} done`;
    if (this.done) this.done.textContent = words;
    if (this.earned) this.earned.textContent = formatMoney(session.earnedMicros, this.currency);
    if (!this.progress || total === 0) return;
    this.progress.setAttribute("width", Math.min(100, (100 * done) / total).toFixed(2));
    this.progress.closest("svg")?.setAttribute("aria-label", words);
  }
}

const count = (figure: number): string => figure.toLocaleString("en-US");
