// The player of a recording that is written down: play, two seconds back, slower and faster, without leaving the text.
import { html, svg } from "lit";
import type { LitElement } from "lit";
import { live } from "lit/directives/live.js";
import { isAlt } from "./alt_keys.ts";

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];
const BACK_SECONDS = 2;

const signs = {
  play: svg`<path d="M6 4v12l10-6z"></path>`,
  pause: svg`<path d="M7 4v12M13 4v12"></path>`,
  back: svg`<path d="M4 4v5h5M4.600 9a6.500 6.500 0 1 1-.6 4"></path>`,
};

export class Player {
  private speed = 1;
  /** Who has played one recording hears the next without asking. */
  private goesOn = false;

  constructor(
    private readonly host: LitElement,
    private readonly audio: () => HTMLAudioElement | null,
  ) {}

  /** Another recording is there. */
  begin(): void {
    const audio = this.audio();
    if (audio === null) return;
    audio.defaultPlaybackRate = audio.playbackRate = this.speed;
    if (this.goesOn) this.play(audio);
  }

  /** Nobody writes any more: an element that left the page would play on. */
  stop(): void {
    this.audio()?.pause();
  }

  useKey(event: KeyboardEvent): boolean {
    if (isAlt(event, "p")) this.toggle();
    else if (isAlt(event, "r")) this.back();
    else if (isAlt(event, ",")) this.change(-1);
    else if (isAlt(event, ".")) this.change(1);
    else return false;
    return true;
  }

  readonly changed = (): void => this.host.requestUpdate();

  controls() {
    const audio = this.audio();
    const playing = audio !== null && !audio.paused && !audio.ended;
    const at = audio?.currentTime ?? 0;
    const length = audio !== null && Number.isFinite(audio.duration) ? audio.duration : 0;
    return html`<div class="player" role="group" aria-label="The recording">
      <div class="player-line">
        <input type="range" min="0" max=${length.toFixed(1)} step="0.1" .value=${live(at.toFixed(1))}
          aria-label="Place in the recording" aria-valuetext=${`${clock(at)} of ${clock(length)}`}
          @input=${(event: Event) => this.seek(Number((event.target as HTMLInputElement).value))} />
        <span class="clock" aria-hidden="true">${clock(at)} / ${clock(length)}</span>
      </div>
      <div class="player-line">
        <button type="button" class="btn big play" aria-keyshortcuts="Alt+P" @click=${() => this.toggle()}>
          ${sign(playing ? "pause" : "play")}<span>${playing ? "Pause" : "Play"}</span> <kbd>Alt</kbd><kbd>P</kbd></button>
        <button type="button" class="btn big back" aria-keyshortcuts="Alt+R" @click=${() => this.back()}>
          ${sign("back")}<span>${BACK_SECONDS} s back</span> <kbd>Alt</kbd><kbd>R</kbd></button>
        <span class="grow"></span>
        <span class="speed" role="group" aria-label="Speed">
          <button type="button" class="btn big" aria-keyshortcuts="Alt+," ?disabled=${this.speed === SPEEDS[0]}
            @click=${() => this.change(-1)}><span class="vh">Slower</span><span aria-hidden="true">−</span> <kbd>Alt</kbd><kbd>,</kbd></button>
          <output aria-label="Speed">${this.speed} ×</output>
          <button type="button" class="btn big" aria-keyshortcuts="Alt+." ?disabled=${this.speed === SPEEDS.at(-1)}
            @click=${() => this.change(1)}><span class="vh">Faster</span><span aria-hidden="true">+</span> <kbd>Alt</kbd><kbd>.</kbd></button>
        </span>
      </div>
    </div>`;
  }

  private toggle(): void {
    const audio = this.audio();
    if (audio === null) return;
    if (audio.paused || audio.ended) this.play(audio);
    else {
      audio.pause();
      this.goesOn = true;
    }
  }

  private play(audio: HTMLAudioElement): void {
    this.goesOn = true;
    // a browser that lets nothing sound by itself says so here: the button stays
    void Promise.resolve(audio.play()).catch(() => this.changed());
  }

  private back(): void {
    this.seek((this.audio()?.currentTime ?? 0) - BACK_SECONDS);
  }

  private seek(seconds: number): void {
    const audio = this.audio();
    if (audio === null) return;
    audio.currentTime = Math.max(0, seconds);
    this.changed();
  }

  private change(by: number): void {
    const next = SPEEDS[SPEEDS.indexOf(this.speed) + by];
    if (next === undefined) return;
    this.speed = next;
    const audio = this.audio();
    if (audio !== null) audio.defaultPlaybackRate = audio.playbackRate = next;
    this.changed();
  }
}

const sign = (name: keyof typeof signs) => html`<svg class="i" viewBox="0 0 20 20" aria-hidden="true">${signs[name]}</svg>`;

/** 65 seconds are 1:05. */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
