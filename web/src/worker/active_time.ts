// Seconds really worked on an item: the page is visible and something was pressed or moved not long ago.

const IDLE_AFTER_MS = 30_000;
const INPUTS = ["keydown", "pointerdown", "pointermove", "wheel", "touchstart", "scroll"];

export class ActiveTime {
  private startedAt: number;
  private lastInputAt: number;
  private collectedMs = 0;
  private running: boolean;

  constructor(
    private readonly page: Document,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.startedAt = this.lastInputAt = now();
    this.running = !page.hidden;
    page.addEventListener("visibilitychange", () => (page.hidden ? this.pause() : this.resume()));
    for (const kind of INPUTS) page.addEventListener(kind, this.touch, { passive: true, capture: true });
  }

  /** A new item is on the screen. */
  restart(): void {
    this.collectedMs = 0;
    this.startedAt = this.lastInputAt = this.now();
    this.running = !this.page.hidden;
  }

  /** To a tenth, and never nothing. */
  seconds(): number {
    return Math.max(1, Math.round((this.collectedMs + this.stretch()) / 100)) / 10;
  }

  private stretch(): number {
    if (!this.running) return 0;
    return Math.min(this.now(), this.lastInputAt + IDLE_AFTER_MS) - this.startedAt;
  }

  private pause(): void {
    this.collectedMs += this.stretch();
    this.running = false;
  }

  private resume(): void {
    this.startedAt = this.lastInputAt = this.now();
    this.running = true;
  }

  private readonly touch = (): void => {
    if (!this.running) return;
    this.collectedMs += this.stretch();
    this.startedAt = this.lastInputAt = this.now();
  };
}
