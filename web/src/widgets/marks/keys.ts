// The keys of marks on an image: which of them does what. Enter and Ctrl+Z come from the page unless a shape wants them.
import { clamp } from "./geometry.ts";
import type { Point } from "./geometry.ts";
import type { MarksElement } from "./marks_element.ts";

const FAR = 10;
const PAN = 60;
export const ZOOM_STEP = 1.25;

const ARROWS: Readonly<Record<string, Point>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** What a shape does with a key before the common ones; true when it was its own. */
export interface OwnKeys {
  useOwnKey(event: KeyboardEvent): boolean;
}

export function useMarksKey(widget: MarksElement & Partial<OwnKeys>, event: KeyboardEvent, inside: boolean): boolean {
  const button = event.target instanceof Element ? event.target.closest<HTMLElement>("button, a, summary") : null;
  if (button !== null && (event.key === "Enter" || event.key === " ")) return pressButton(button, event, inside);
  if (widget.useOwnKey?.(event)) return true;
  if (ARROWS[event.key]) return useArrow(widget, event);
  if (/^[0-9]$/.test(event.key)) return useDigit(widget, event);
  return useLetter(widget, event);
}

/** A button of ours does what it says on Enter: the page would submit. Space does it by itself. */
function pressButton(button: HTMLElement, event: KeyboardEvent, inside: boolean): boolean {
  if (!inside || event.key !== "Enter") return false;
  if (!event.repeat) button.click();
  return true;
}

function useArrow(widget: MarksElement, event: KeyboardEvent): boolean {
  const [x, y] = ARROWS[event.key] as Point;
  const { view } = widget;
  if (widget.marks[widget.chosen] !== undefined) {
    const step = event.shiftKey ? FAR : 1;
    widget.nudge([x * step, y * step]);
    showChosen(widget);
    return true;
  }
  if (view === null || view.fits) return false;
  widget.look(view.panned([-x * PAN, -y * PAN]));
  return true;
}

function useDigit(widget: MarksElement, event: KeyboardEvent): boolean {
  if (event.repeat) return true;
  if (event.key === "0") {
    widget.nothing("key");
    return true;
  }
  const label = widget.labels.find(({ key }) => key === event.key);
  if (label === undefined) return false;
  widget.setLabel(label.value, "key");
  return true;
}

function useLetter(widget: MarksElement, event: KeyboardEvent): boolean {
  switch (event.key.toLowerCase()) {
    case "b":
      if (!event.repeat) widget.begin();
      return true;
    case "+":
    case "=":
      widget.zoom(ZOOM_STEP);
      return true;
    case "-":
    case "_":
      widget.zoom(1 / ZOOM_STEP);
      return true;
    case "f":
      widget.fit();
      return true;
    case " ":
      widget.spaceHeld = true;
      widget.requestUpdate();
      return true;
    case "delete":
    case "backspace":
      return removeChosen(widget);
    case "escape":
      return leave(widget);
    default:
      return false;
  }
}

function removeChosen(widget: MarksElement): boolean {
  if (widget.marks[widget.chosen] === undefined) return false;
  widget.removeChosen("key");
  widget.focusChosen();
  return true;
}

/** Leaves what is innermost: a drag, a point, the chosen mark. */
function leave(widget: MarksElement): boolean {
  if (widget.pointers.busy) widget.pointers.stop();
  else if (widget.corner >= 0) widget.choose(widget.chosen, -1);
  else if (widget.chosen >= 0) {
    widget.focus();
    widget.choose(-1);
  } else return false;
  return true;
}

/** Alt and an arrow move the lower right corner of a box: the page's own keys know no Alt. */
export function resizeByKey(widget: MarksElement, event: KeyboardEvent): boolean {
  const arrow = ARROWS[event.key];
  const { size, chosen } = widget;
  const mark = widget.marks[chosen];
  if (!event.altKey || event.ctrlKey || event.metaKey || !arrow || !mark || !size || mark.points.length !== 2) return false;
  if (event.target instanceof HTMLInputElement) return false;
  const step = event.shiftKey ? FAR : 1;
  const [[left, top], [right, bottom]] = mark.points as readonly [Point, Point];
  const to: Point = [
    clamp(right + arrow[0] * step, Math.min(left + 1, size.width), size.width),
    clamp(bottom + arrow[1] * step, Math.min(top + 1, size.height), size.height),
  ];
  widget.change([[left, top], to], "arrow", `resize ${chosen}`);
  showChosen(widget);
  return true;
}

/** Keeps what is moved by keyboard in sight. */
function showChosen(widget: MarksElement): void {
  const mark = widget.marks[widget.chosen];
  const at = mark?.points[Math.max(0, widget.corner)];
  if (widget.view && at) widget.look(widget.view.showing(at));
}
