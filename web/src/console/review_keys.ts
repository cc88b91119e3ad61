// The review queue by keyboard: j and k go from answer to answer, a approves, x selects, r opens the rejection.
export function connectReviewKeys(page: Document): void {
  const rows = () => [...page.querySelectorAll<HTMLElement>("[data-review]")];
  if (rows().length === 0) return;
  page.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    if (target instanceof Element && target.closest("input:not([type=checkbox]), textarea, select")) return;
    const act = ACTIONS[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act(rows(), page);
  });
}

type Act = (rows: HTMLElement[], page: Document) => void;

const ACTIONS: Record<string, Act | undefined> = {
  j: (rows, page) => step(rows, page, 1),
  k: (rows, page) => step(rows, page, -1),
  a: (rows, page) => here(rows, page)?.querySelector<HTMLElement>("[data-approve]")?.click(),
  x: (rows, page) => here(rows, page)?.querySelector<HTMLElement>("input[type=checkbox]")?.click(),
  r: (rows, page) => {
    const details = here(rows, page)?.querySelector("details");
    if (!details) return;
    details.open = true;
    details.querySelector<HTMLElement>("select, input, textarea")?.focus();
  },
};

function here(rows: HTMLElement[], page: Document): HTMLElement | undefined {
  return rows.find((row) => row.contains(page.activeElement));
}

function step(rows: HTMLElement[], page: Document, by: number): void {
  const at = rows.findIndex((row) => row.contains(page.activeElement));
  const next = rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + by))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}
