// Small rules in words: money without floats, when a lease is spoken of, active seconds, a chart's scale and table.
import { describe, expect, it } from "vitest";
import { isCrowded } from "../src/chart/options.ts";
import { formatFigure, scaleOf } from "../src/chart/spec.ts";
import type { ChartSpec, Point } from "../src/chart/spec.ts";
import { tableOf } from "../src/chart/table.ts";
import { ActiveTime } from "../src/worker/active_time.ts";
import { leaseNotice } from "../src/worker/lease.ts";
import { formatMoney, toMicros } from "../src/worker/money.ts";

const aChart = (changes: Partial<ChartSpec> = {}): ChartSpec => ({
  kind: "line",
  title: "Model accuracy",
  description: "It rises",
  x: { label: "round", format: "number" },
  y: { label: "accuracy", format: "percent" },
  series: [{ name: "model", points: [[1, 0.71, 0.67, 0.75], [2, 0.81]] }],
  limits: [{ name: "Promise", value: 0.97 }],
  ...changes,
});

describe("money", () => {
  it("adds decimal strings exactly", () => {
    expect(formatMoney(toMicros("0.1") + toMicros("0.20"), "USD")).toBe("$0.30");
    expect(formatMoney(toMicros("1234.005"), "USD")).toBe("$1,234.005");
    expect(formatMoney(-toMicros("2.5"), "EUR")).toBe("−2.50 EUR");
  });
});

describe("lease", () => {
  it("is spoken of under two minutes or a fifth, whichever is less", () => {
    expect(leaseNotice(130_000, 3_600_000)).toBeNull();
    expect(leaseNotice(119_000, 3_600_000)).toBe("1:59 left");
    expect(leaseNotice(30_000, 60_000)).toBeNull();
    expect(leaseNotice(11_000, 60_000)).toBe("0:11 left");
    expect(leaseNotice(-1, 60_000)).toBe("Time is up");
  });
});

describe("active seconds", () => {
  it("count while something is pressed now and then, and half a minute beyond", () => {
    let now = 0;
    const active = new ActiveTime(document, () => now);
    now = 10_000;
    document.dispatchEvent(new Event("keydown"));
    now = 15_000;
    expect(active.seconds()).toBe(15);
    now = 500_000;
    expect(active.seconds()).toBe(40);
    active.restart();
    expect(active.seconds()).toBe(0.1);
  });
});

describe("charts", () => {
  it("write figures as the pages do", () => {
    expect(formatFigure(0.914, "percent")).toBe("91.4%");
    expect(formatFigure(600, "money", true)).toBe("$600");
    expect(formatFigure(-2.5, "money")).toBe("−$2.50");
    expect(formatFigure("2026-11-22", "date")).toBe("22 Nov");
    expect(formatFigure(null, "number")).toBe("–");
  });

  it("fit intervals and limits in, with round ends", () => {
    const { min, max } = scaleOf(aChart());
    expect(min).toBeLessThanOrEqual(0.67);
    expect(max).toBe(1);
    expect(scaleOf(aChart({ kind: "bar" })).min).toBe(0);
    expect(scaleOf(aChart({ series: [], limits: [] }))).toEqual({ min: 0, max: 1, step: 0.25 });
  });

  it("keep a limit along x out of the scale of y, and name lines in a key when they are many", () => {
    const left = { name: "left", value: 46.5, along: "x" as const };
    expect(scaleOf(aChart({ limits: [left] })).max).toBeLessThan(1);
    const money = aChart({ x: { label: "cost", format: "money" }, limits: [left] });
    expect(tableOf(money).tFoot!.textContent).toBe("left$46.50");
    const series = [1, 2, 3, 4].map((number) => ({ name: `model ${number}`, points: [[1, 0.5]] as Point[] }));
    expect(isCrowded(aChart({ series }))).toBe(true);
    expect(isCrowded(aChart({ series: series.slice(1) }))).toBe(false);
  });

  it("have the same figures as a table", () => {
    const table = tableOf(aChart());
    expect([...table.tHead!.rows[0]!.cells].map((cell) => cell.textContent)).toEqual(["round", "model"]);
    expect(table.tBodies[0]!.rows[0]!.textContent).toBe("171.0% 67.0% to 75.0%");
    expect(table.tFoot!.textContent).toBe("Promise97.0%");
  });
});
