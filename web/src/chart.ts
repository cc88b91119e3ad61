// <ch-chart>: one chart from the JSON inside it, drawn by ECharts as SVG, with the same figures as a table behind a button.
import { BarChart, CustomChart, LineChart, ScatterChart } from "echarts/charts";
import { GridComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import type { EChartsType } from "echarts/core";
import { LabelLayout } from "echarts/features";
import { SVGRenderer } from "echarts/renderers";
import { isCrowded, optionsOf } from "./chart/options.ts";
import type { Palette } from "./chart/options.ts";
import type { ChartSpec } from "./chart/spec.ts";
import { tableOf } from "./chart/table.ts";

use([
  BarChart,
  CustomChart,
  LineChart,
  ScatterChart,
  GridComponent,
  MarkLineComponent,
  TooltipComponent,
  LabelLayout,
  SVGRenderer,
]);

const darkSystem = window.matchMedia("(prefers-color-scheme: dark)");

class ChartElement extends HTMLElement {
  private spec: ChartSpec | null = null;
  private plot: HTMLElement | null = null;
  private chart: EChartsType | null = null;
  private readonly widths = new ResizeObserver(() => this.redraw());
  private readonly themes = new MutationObserver(() => this.redraw());

  connectedCallback(): void {
    this.spec ??= this.readSpec();
    if (this.spec === null) return;
    if (this.plot === null) this.plot = this.buildFrame(this.spec);
    this.widths.observe(this.plot);
    this.themes.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    darkSystem.addEventListener("change", this.redraw);
  }

  disconnectedCallback(): void {
    this.widths.disconnect();
    this.themes.disconnect();
    darkSystem.removeEventListener("change", this.redraw);
    this.chart?.dispose();
    this.chart = null;
  }

  private readSpec(): ChartSpec | null {
    const source = this.querySelector('script[type="application/json"]');
    return source ? (JSON.parse(source.textContent ?? "") as ChartSpec) : null;
  }

  private buildFrame(spec: ChartSpec): HTMLElement {
    const figure = element("figure", "chart");
    const caption = element("figcaption", "");
    const plot = element("div", "plot-box");
    plot.setAttribute("role", "img");
    plot.setAttribute("aria-label", spec.description);
    const table = element("div", "scroll plot-table");
    table.tabIndex = 0;
    table.hidden = true;
    table.append(tableOf(spec));
    caption.append(element("h2", "", spec.title), keyOf(spec), tableButton(plot, table, spec.title));
    figure.append(caption, plot, table);
    this.append(figure);
    return plot;
  }

  private readonly redraw = (): void => {
    if (this.spec === null || this.plot === null) return;
    const { clientWidth: width, clientHeight: height } = this.plot;
    if (width === 0 || height === 0) return; // hidden behind its table
    this.chart ??= init(this.plot, null, { renderer: "svg" });
    this.chart.resize({ width, height });
    this.chart.setOption(optionsOf(this.spec, readPalette(this), width), true);
    // ECharts may describe the drawing itself; the page's own sentence stands.
    this.plot.setAttribute("aria-label", this.spec.description);
  };
}

function element(tag: string, className: string, text = ""): HTMLElement {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** Fills need a legend; lines carry their names at their ends, unless they are too many. */
function keyOf(spec: ChartSpec): HTMLElement {
  const key = element("span", "key grow");
  if (isCrowded(spec) || (spec.kind !== "line" && spec.series.length > 1)) {
    spec.series.forEach((series, index) => {
      const entry = element("span", "");
      entry.append(element("i", `sw d${(index % 6) + 1}`), series.name);
      key.append(entry);
    });
  }
  const axes = `${spec.y.label} by ${spec.x.label}`;
  if (axes.toLowerCase() !== spec.title.toLowerCase()) key.append(element("span", "", axes));
  return key;
}

function tableButton(plot: HTMLElement, table: HTMLElement, title: string): HTMLElement {
  const button = element("button", "btn quiet", "Table");
  button.setAttribute("type", "button");
  button.setAttribute("aria-pressed", "false");
  button.setAttribute("aria-label", `Table: ${title}`);
  button.addEventListener("click", () => {
    table.hidden = !table.hidden;
    plot.hidden = !table.hidden;
    button.setAttribute("aria-pressed", String(!table.hidden));
  });
  return button;
}

/** The tokens are registered colours, so the browser hands them over resolved for the theme of the moment. */
function readPalette(host: HTMLElement): Palette {
  const style = getComputedStyle(host);
  const colour = (name: string) => style.getPropertyValue(`--ch-${name}`).trim();
  return {
    page: colour("page"),
    line: colour("line"),
    axis: colour("line-2"),
    ink: colour("ink"),
    faint: colour("ink-3"),
    bad: colour("bad"),
    data: [1, 2, 3, 4, 5, 6].map((number) => colour(`data-${number}`)),
    font: style.fontFamily,
  };
}

if (!customElements.get("ch-chart")) customElements.define("ch-chart", ChartElement);
