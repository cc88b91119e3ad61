// Read by htmx while it loads, so this module stands before it: no style of its own, no evaluated code, same origin.
const config = {
  includeIndicatorCSS: false,
  mode: "same-origin",
  transitions: false,
  defaultTimeout: 20_000,
};

if (!document.querySelector('meta[name="htmx-config"]')) {
  const meta = document.createElement("meta");
  meta.name = "htmx-config";
  meta.content = JSON.stringify(config);
  document.head.append(meta);
}

/** Every request that changes something carries the page's CSRF token. */
document.addEventListener("htmx:config:request", (event) => {
  const token = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content;
  const { ctx } = (event as CustomEvent<{ ctx?: { request?: { headers?: Record<string, string> } } }>).detail;
  if (token && ctx?.request?.headers) ctx.request.headers["X-CSRF-Token"] = token;
});

export {};
