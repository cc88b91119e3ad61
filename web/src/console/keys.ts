// The console's one key: `/` puts the cursor into the search field, or follows the link that leads to it.
export function connectKeys(page: Document): void {
  page.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    if (target instanceof Element && target.closest("input, textarea, select, [contenteditable]")) return;
    const search = page.querySelector<HTMLElement>("[data-search], input[type=search]");
    if (!search) return;
    event.preventDefault();
    search.focus();
  });
}
