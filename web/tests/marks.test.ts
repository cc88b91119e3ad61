// Marks on an image: the units of the answer, shapes, the view, the steps, and the two widgets by keyboard and pointer.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BoxesElement } from "../src/widgets/boxes.ts";
import type { Json } from "../src/widgets/element.ts";
import { contains, edgeDistance, isSimple, moved, withoutRepeats } from "../src/widgets/marks/geometry.ts";
import type { Point } from "../src/widgets/marks/geometry.ts";
import { History } from "../src/widgets/marks/history.ts";
import type { MarksElement } from "../src/widgets/marks/marks_element.ts";
import { Scale } from "../src/widgets/marks/scale.ts";
import { boxBetween, boxShape, polygonShape } from "../src/widgets/marks/shapes.ts";
import { View } from "../src/widgets/marks/view.ts";
import { PolygonsElement } from "../src/widgets/polygons.ts";

const SIZE = { width: 960, height: 600 };
const SQUARE: Point[] = [[0, 0], [10, 0], [10, 10], [0, 10]];

describe("the units of the answer", () => {
  it.each(["fraction", "percent", "pixel"])("keeps an answer in %s as it is, to the last digit", (unit) => {
    const scale = new Scale(unit, { width: 997, height: 613 });
    const mark = { label: "car", points: boxBetween([17, 33], [401, 599]) };
    const written = boxShape.write(mark, scale);
    expect(boxShape.write(boxShape.read(written, scale) as typeof mark, scale)).toEqual(written);
  });

  it("writes what the plug-in takes", () => {
    const box = { label: "car", points: boxBetween([480, 60], [96, 540]) };
    expect(boxShape.write(box, new Scale("fraction", SIZE))).toEqual({ x: 0.1, y: 0.1, width: 0.4, height: 0.8, label: "car" });
    expect(boxShape.write(box, new Scale("percent", SIZE))).toEqual({ x: 10, y: 10, width: 40, height: 80, label: "car" });
    expect(boxShape.write(box, new Scale("pixel", SIZE))).toEqual({ x: 96, y: 60, width: 384, height: 480, label: "car" });
  });

  it("never goes beyond the image", () => {
    const scale = new Scale("fraction", { width: 3, height: 7 });
    const { x, width } = boxShape.write({ label: "", points: [[1, 1], [3, 7]] }, scale) as { x: number; width: number };
    expect(x + width).toBeLessThanOrEqual(1);
    expect(new Scale("pixel", SIZE).toUnit(1000, 0)).toBe(960);
  });

  it("reads nothing from what is no mark", () => {
    const scale = new Scale("pixel", SIZE);
    for (const part of [null, 3, "box", [], { x: 1 }, { x: "1", y: 2, width: 3, height: 4 }] as Json[]) {
      expect(boxShape.read(part, scale)).toBeNull();
      expect(polygonShape.read(part, scale)).toBeNull();
    }
    expect(polygonShape.read({ points: [[1, 2], [3, 4]] }, scale)).toBeNull();
  });
});

describe("outlines", () => {
  it("knows those that cross, touch or fold, as the server does", () => {
    expect(isSimple(SQUARE)).toBe(true);
    expect(isSimple([[0, 0], [10, 10], [10, 0], [0, 10]])).toBe(false);
    expect(isSimple([[0, 0], [10, 0], [10, 10], [5, 0], [0, 10]])).toBe(false);
    expect(isSimple([[0, 0], [10, 0], [5, 0], [5, 10]])).toBe(false);
    expect(isSimple([[0, 0], [5, 0], [10, 0], [10, 10]])).toBe(true);
    expect(withoutRepeats([[0, 0], [0, 0], [5, 0], [0, 0]])).toEqual([[5, 0], [0, 0]]);
    const scale = new Scale("pixel", SIZE);
    expect(polygonShape.fault({ points: [[0, 0], [5, 5], [9, 9]] }, scale)).toBe("has no area or crosses itself");
  });

  it("finds what a click hits", () => {
    expect(contains(SQUARE, [5, 5])).toBe(true);
    expect(contains(SQUARE, [15, 5])).toBe(false);
    expect(edgeDistance(SQUARE, [13, 5])).toBe(3);
  });

  it("moves as far as the image goes", () => {
    expect(moved(SQUARE, [-5, 1000], SIZE)).toEqual([[0, 590], [10, 590], [10, 600], [0, 600]]);
  });

  it("pulls a new point out of an edge", () => {
    const { points, handle } = polygonShape.pulled(SQUARE, { handle: 4, to: [5, -3], size: SIZE, least: 1 });
    expect(points).toEqual([[0, 0], [5, 0], [10, 0], [10, 10], [0, 10]]);
    expect(handle).toBe(1);
  });

  it("keeps a side of a box", () => {
    const { points } = boxShape.pulled([[10, 10], [20, 20]], { handle: 0, to: [99, 99], size: SIZE, least: 1 });
    expect(points).toEqual([[19, 19], [20, 20]]);
  });
});

describe("the view", () => {
  const view = View.fitting(SIZE, { width: 480, height: 400 });

  it("shows the whole image in the middle", () => {
    expect([view.zoom, view.left, view.top]).toEqual([0.5, 0, 50]);
    expect(view.toImage(view.toScreen([123, 45]))).toEqual([123, 45]);
  });

  it("zooms about a place, and back no further than the whole", () => {
    const near = view.zoomed(4, [240, 200]);
    expect(near.toImage([240, 200])).toEqual(view.toImage([240, 200]));
    expect(near.zoomed(0.01).fits).toBe(true);
    expect(near.panned([9999, 9999]).left).toBeLessThanOrEqual(480);
  });

  it("follows its stage", () => {
    expect(view.onStage({ width: 960, height: 600 }).zoom).toBe(1);
    expect(view.zoomed(2).onStage({ width: 960, height: 600 }).zoom).toBe(1);
  });
});

describe("steps", () => {
  it("takes nudges in quick succession for one", () => {
    const history = new History<number>();
    history.note(0, "nudge", 0);
    history.note(1, "nudge", 300);
    history.note(2, "nudge", 5000);
    expect(history.back(3)).toEqual({ state: 2 });
    expect(history.back(2)).toEqual({ state: 0 });
    expect(history.back(0)).toBeNull();
    expect(history.forth(0)).toEqual({ state: 2 });
  });
});

const press = (key: string, extra: KeyboardEventInit = {}, target: EventTarget = document.body) =>
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...extra }));

async function shown<Widget extends MarksElement>(widget: Widget, settings: Record<string, unknown> = {}): Promise<Widget> {
  const labels = [{ value: "car", label: "Car" }, { value: "van", label: "<b>Van</b>" }];
  widget.question = { kind: "boxes", prompt: "Where?", field: "label", labels, unit: "pixel", min_count: 0, max_count: 3, ...settings };
  widget.item = { id: 1, key: "one", text: null, image_url: "/media/items/1" };
  document.body.append(widget);
  await widget.updateComplete;
  const image = widget.querySelector("img") as HTMLImageElement;
  Object.defineProperties(image, { naturalWidth: { value: 960 }, naturalHeight: { value: 600 } });
  const stage = widget.stage as HTMLElement;
  Object.defineProperties(stage, { clientWidth: { value: 960 }, clientHeight: { value: 600 } });
  image.dispatchEvent(new Event("load"));
  await widget.updateComplete;
  return widget;
}

const point = (widget: MarksElement, kind: string, x: number, y: number, extra: PointerEventInit = {}) => {
  const event = new MouseEvent(kind, { clientX: x, clientY: y, bubbles: true, cancelable: true, ...extra });
  Object.defineProperties(event, { pointerId: { value: 1 }, pointerType: { value: "mouse" } });
  widget.stage?.dispatchEvent(event);
};

const drag = (widget: MarksElement, from: Point, to: Point) => {
  point(widget, "pointerdown", ...from);
  point(widget, "pointermove", ...to);
  point(widget, "pointerup", ...to);
};

beforeEach(() => document.body.replaceChildren());
afterEach(() => document.body.replaceChildren());

describe("<ch-boxes>", () => {
  it("draws with a drag, wants a label, and gives the next box the same", async () => {
    const boxes = await shown(new BoxesElement());
    drag(boxes, [100, 100], [160, 140]);
    expect(boxes.value).toEqual([{ x: 100, y: 100, width: 60, height: 40, label: "" }]);
    expect(boxes.missing()).toBe("Give box 1 a label first");
    press("2");
    drag(boxes, [300, 100], [310, 2000]);
    expect(boxes.value).toEqual([
      { x: 100, y: 100, width: 60, height: 40, label: "van" },
      { x: 300, y: 100, width: 10, height: 500, label: "van" },
    ]);
    expect(boxes.missing()).toBe("");
  });

  it("moves the chosen box, draws inside another, and chooses the smaller one first", async () => {
    const boxes = await shown(new BoxesElement());
    drag(boxes, [100, 100], [300, 300]);
    drag(boxes, [200, 200], [210, 205]);
    expect(boxes.value).toMatchObject([{ x: 110, y: 105 }]);
    press("Escape");
    drag(boxes, [200, 200], [220, 230]);
    expect(boxes.value).toHaveLength(2);
    press("Escape");
    for (const chosen of [1, 0, 1]) {
      point(boxes, "pointerdown", 212, 214);
      point(boxes, "pointerup", 212, 214);
      expect(boxes.chosen).toBe(chosen);
    }
  });

  it("is drawn, nudged and resized by keys, and takes it all back", async () => {
    const boxes = await shown(new BoxesElement(), { labels: [{ value: "car", label: "Car" }] });
    press("b");
    press("ArrowRight");
    press("ArrowDown", { shiftKey: true });
    await boxes.updateComplete;
    press("ArrowLeft", { altKey: true }, boxes.querySelector(".mark") as Element);
    expect(boxes.value).toEqual([{ x: 361, y: 235, width: 239, height: 150, label: "car" }]);
    expect([boxes.undo(), boxes.undo(), boxes.undo(), boxes.undo()]).toEqual([true, true, true, false]);
    expect(boxes.value).toBeNull();
    expect([boxes.redo(), boxes.redo(), boxes.redo(), boxes.redo()]).toEqual([true, true, true, false]);
    expect(boxes.value).toEqual([{ x: 361, y: 235, width: 239, height: 150, label: "car" }]);
  });

  it("tells nothing to mark from no answer yet", async () => {
    const boxes = await shown(new BoxesElement());
    expect(boxes.missing()).toContain("say that there is nothing to mark");
    press("0");
    expect([boxes.value, boxes.missing()]).toEqual([[], ""]);
    press("b");
    press("0");
    expect(boxes.value).toHaveLength(1);
    press("Delete");
    expect(boxes.value).toBeNull();
  });

  it("draws no more than may be, and knows the same box", async () => {
    const boxes = await shown(new BoxesElement(), { max_count: 2, min_count: 1 });
    expect(boxes.missing()).toBe("Draw one box at least");
    press("1");
    for (let count = 0; count < 3; count++) press("b");
    expect(boxes.value).toHaveLength(2);
    expect(boxes.missing()).toBe("The boxes 1 and 2 are the same: remove one");
  });

  it("shows a hostile label as text", async () => {
    const boxes = await shown(new BoxesElement());
    expect(boxes.querySelector("b")).toBeNull();
    expect(boxes.textContent).toContain("<b>Van</b>");
  });

  it("shows the marks of a draft, and forgets them with the next item", async () => {
    const boxes = await shown(new BoxesElement());
    boxes.value = [{ x: 1, y: 2, width: 30, height: 40, label: "car" }, "no box"];
    await boxes.updateComplete;
    expect(boxes.querySelectorAll(".mark")).toHaveLength(1);
    expect(boxes.querySelector(".mark")?.getAttribute("aria-label")).toBe("Car 1: x 1, y 2, 30 by 40 pixels");
    boxes.item = { id: 2, key: "two", text: null, image_url: "/media/items/2" };
    boxes.value = null;
    await boxes.updateComplete;
    expect(boxes.querySelectorAll(".mark")).toHaveLength(0);
    expect(boxes.missing()).toBe("One moment, the image is on its way");
  });
});

describe("<ch-polygons>", () => {
  const click = (widget: MarksElement, x: number, y: number) => {
    point(widget, "pointerdown", x, y);
    point(widget, "pointerup", x, y);
  };

  it("closes on the first point", async () => {
    const outlines = await shown(new PolygonsElement());
    press("1");
    for (const [x, y] of [[100, 100], [200, 100], [200, 200]] as const) click(outlines, x, y);
    expect(outlines.missing()).toContain("Finish the outline");
    click(outlines, 103, 102);
    expect(outlines.value).toEqual([{ points: [[100, 100], [200, 100], [200, 200]], label: "car" }]);
  });

  it("is drawn with a cross that the arrows move", async () => {
    const outlines = await shown(new PolygonsElement(), { labels: [{ value: "car", label: "Car" }] });
    press("b");
    for (const key of [" ", "ArrowRight", " ", "ArrowDown", " "]) press(key, { shiftKey: key !== " " });
    press("Enter");
    expect(outlines.value).toEqual([{ points: [[480, 300], [490, 300], [490, 310]], label: "car" }]);
    press(".");
    press("ArrowUp");
    press("a");
    expect(outlines.value).toEqual([{ points: [[480, 299], [485, 299.5], [490, 300], [490, 310]], label: "car" }]);
    press("Delete");
    expect(outlines.value).toEqual([{ points: [[480, 299], [490, 300], [490, 310]], label: "car" }]);
  });

  it("says which outline crosses itself", async () => {
    const outlines = await shown(new PolygonsElement());
    outlines.value = [{ points: [[0, 0], [10, 10], [10, 0], [0, 30]], label: "car" }];
    expect(outlines.missing()).toContain("“Car 1” crosses or touches itself");
  });
});
