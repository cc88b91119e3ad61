// Where the image lies on its stage: so many screen pixels for one of the image, and where its corner is.
import { clamp } from "./geometry.ts";
import type { Point, Size } from "./geometry.ts";

const FURTHEST = 24;
const SMALLEST_MOST = 8;
const BEYOND = 0.4;

export class View {
  constructor(
    readonly image: Size,
    readonly stage: Size,
    readonly zoom: number,
    readonly left: number,
    readonly top: number,
    /** The whole image is shown, and stays so when the stage changes its size. */
    readonly fits: boolean,
  ) {}

  static fitting(image: Size, stage: Size): View {
    const zoom = fitZoom(image, stage);
    const [left, top] = [(stage.width - image.width * zoom) / 2, (stage.height - image.height * zoom) / 2];
    return new View(image, stage, zoom, left, top, true);
  }

  toScreen([x, y]: Point): Point {
    return [x * this.zoom + this.left, y * this.zoom + this.top];
  }

  toImage([x, y]: Point): Point {
    return [(x - this.left) / this.zoom, (y - this.top) / this.zoom];
  }

  /** The step in which the pointer draws: whole pixels, tenths where a pixel is large on the screen. */
  get step(): number {
    return this.zoom >= 8 ? 0.1 : 1;
  }

  /** The part of the image that can be seen. */
  get middle(): Point {
    const [x, y] = this.toImage([this.stage.width / 2, this.stage.height / 2]);
    return [clamp(x, 0, this.image.width), clamp(y, 0, this.image.height)];
  }

  /** Zooms so that this place of the stage stays where it is; no smaller than the whole image. */
  zoomed(factor: number, at: Point = [this.stage.width / 2, this.stage.height / 2]): View {
    const fit = fitZoom(this.image, this.stage);
    const zoom = clamp(this.zoom * factor, fit, Math.max(fit * FURTHEST, SMALLEST_MOST));
    if (zoom <= fit) return View.fitting(this.image, this.stage);
    const [x, y] = this.toImage(at);
    return this.placed(zoom, at[0] - x * zoom, at[1] - y * zoom);
  }

  panned(by: Point): View {
    return this.placed(this.zoom, this.left + by[0], this.top + by[1]);
  }

  /** The same on a stage of another size. */
  onStage(stage: Size): View {
    if (this.fits) return View.fitting(this.image, stage);
    const [x, y] = [(stage.width - this.stage.width) / 2, (stage.height - this.stage.height) / 2];
    return new View(this.image, stage, this.zoom, this.left, this.top, false).panned([x, y]);
  }

  /** Moves the image no further than this place needs to be seen. */
  showing([x, y]: Point): View {
    const [atX, atY] = this.toScreen([x, y]);
    const margin = 24;
    const by: Point = [
      clamp(atX, margin, this.stage.width - margin) - atX,
      clamp(atY, margin, this.stage.height - margin) - atY,
    ];
    return this.fits || (by[0] === 0 && by[1] === 0) ? this : this.panned(by);
  }

  private placed(zoom: number, left: number, top: number): View {
    const { image, stage } = this;
    const held = (start: number, room: number, length: number) =>
      clamp(start, Math.min(0, room - length) - room * BEYOND, Math.max(0, room - length) + room * BEYOND);
    const x = held(left, stage.width, image.width * zoom);
    return new View(image, stage, zoom, x, held(top, stage.height, image.height * zoom), false);
  }
}

function fitZoom(image: Size, stage: Size): number {
  const zoom = Math.min(stage.width / image.width, stage.height / image.height);
  return Number.isFinite(zoom) && zoom > 0 ? zoom : 1;
}
