// The few icons of the labelling page: 20 grid, drawn with the text's colour, always beside a word.
import { html, svg } from "lit";
import type { TemplateResult } from "lit";

const paths = {
  undo: svg`<path d="M4 8h8a4 4 0 0 1 0 8H8M4 8l3.5-3.5M4 8l3.5 3.5"></path>`,
  warn: svg`<path d="M10 4 17 16H3zM10 8.500V12M10 14v.1"></path>`,
  close: svg`<path d="m5 5 10 10M15 5 5 15"></path>`,
  offline: svg`<path d="M4 10a8 8 0 0 1 12 0M6.800 12.800a4 4 0 0 1 6.400 0M10 16v.1M4 4l12 12"></path>`,
};

export function icon(name: keyof typeof paths): TemplateResult {
  return html`<svg class="i" viewBox="0 0 20 20" aria-hidden="true">${paths[name]}</svg>`;
}
