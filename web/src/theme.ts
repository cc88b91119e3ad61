// Sets the remembered theme before the first paint: loaded in <head>, without `defer`, as a plain script.
{
  let chosen: string | null = null;
  try {
    chosen = localStorage.getItem("ch-theme");
  } catch {
    // Storage may be forbidden; the system's theme is then followed.
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset["theme"] = chosen;
}
