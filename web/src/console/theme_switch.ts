// The theme switch: a button with data-theme-switch goes from the system's theme to light, to dark, and back.
const KEY = "ch-theme";
const NEXT: Record<string, string> = { system: "light", light: "dark", dark: "system" };

export function connectTheme(page: Document): void {
  const root = page.documentElement;
  const buttons = page.querySelectorAll<HTMLElement>("[data-theme-switch]");
  const name = (): string => root.dataset["theme"] ?? "system";
  const tell = (): void => {
    for (const button of buttons) {
      const word = button.querySelector("[data-theme-name]") ?? button;
      word.textContent = `Theme: ${name()}`;
    }
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const next = NEXT[name()] ?? "system";
      if (next === "system") delete root.dataset["theme"];
      else root.dataset["theme"] = next;
      remember(next);
      tell();
    });
  }
  tell();
}

function remember(theme: string): void {
  try {
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}
