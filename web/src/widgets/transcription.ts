// <ch-transcription>: the question kind `transcription`: a text beside the recording or image it is written down from.
import { html, nothing } from "lit";
import type { PropertyValues } from "lit";
import { isAlt } from "./alt_keys.ts";
import { define } from "./element.ts";
import { Player } from "./player.ts";
import { TextElement } from "./text.ts";
import { settingsOf } from "./texts.ts";

export class TranscriptionElement extends TextElement {
  private readonly player = new Player(this, () => this.querySelector("audio"));
  private large = false;
  private failed = false;

  override missing(): string {
    if (this.failed && this.typed === "") return "It could not be loaded: try again, or say that it can’t be answered";
    return super.missing();
  }

  protected override settings() {
    return settingsOf(this.question, true);
  }

  protected override emptyName(): string {
    return this.item?.audio_url ? "Nothing to hear" : "Nothing to read";
  }

  protected override useAltKey(event: KeyboardEvent): boolean {
    if (this.item?.image_url && isAlt(event, "m")) {
      this.enlarge();
      return true;
    }
    return (Boolean(this.item?.audio_url) && this.player.useKey(event)) || super.useAltKey(event);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.player.stop();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    super.willUpdate(changed);
    if (changed.has("item")) this.failed = false;
  }

  protected override updated(changed: PropertyValues<this>): void {
    super.updated(changed);
    if (changed.has("item")) this.player.begin();
    if (changed.has("disabled") && this.disabled) this.player.stop();
  }

  protected override render() {
    const { text = null, image_url: image = null, audio_url: audio = null } = this.item ?? {};
    return html`<div class="transcribe ${image ? "beside" : ""}">
      <div class="source">
        ${image ? this.picture(image) : nothing}
        ${audio ? html`<audio preload="auto" src=${audio} @error=${this.onFailed}
            @timeupdate=${this.player.changed} @play=${this.player.changed} @pause=${this.player.changed}
            @ended=${this.player.changed} @loadedmetadata=${this.player.changed}></audio>${this.player.controls()}` : nothing}
        ${text ? html`<p class="source-text" dir="auto">${text}</p>` : nothing}
        ${this.failed
          ? html`<p class="under-answer warn" role="alert">The ${audio ? "recording" : "image"} could not be loaded.
              <button type="button" class="btn" @click=${this.again}>Try again</button></p>`
          : nothing}
      </div>
      <div class="written">${this.writing()}</div>
    </div>`;
  }

  private picture(url: string) {
    return html`<figure class="stage ${this.large ? "large" : ""}" tabindex=${this.large ? 0 : nothing}
        aria-label=${this.large ? "The image in full size, to be scrolled" : nothing} role=${this.large ? "group" : nothing}
        ><img src=${url} alt="The image to be transcribed" @error=${this.onFailed} /></figure>
      <p class="under-answer"><button type="button" class="btn" aria-pressed=${this.large ? "true" : "false"}
        @click=${this.enlarge}>Full size <kbd>Alt</kbd><kbd>M</kbd></button></p>`;
  }

  private readonly enlarge = (): void => {
    this.large = !this.large;
    this.requestUpdate();
  };

  private readonly onFailed = (): void => {
    this.failed = true;
    this.requestUpdate();
  };

  private readonly again = (): void => {
    this.failed = false;
    this.requestUpdate();
    const image = this.querySelector<HTMLImageElement>(".stage img");
    if (image) image.src = this.item?.image_url ?? "";
    this.querySelector("audio")?.load();
    this.focus();
  };
}

define("ch-transcription", TranscriptionElement);

declare global {
  interface HTMLElementTagNameMap {
    "ch-transcription": TranscriptionElement;
  }
}
