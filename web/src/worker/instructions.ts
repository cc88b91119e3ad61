// The instructions of the question, in a dialog: opened by the top bar's button or the key I.
export interface Instructions {
  show(text: string): void;
}

/** An i typed into a field is an i. */
const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;

export function connectInstructions(page: Document): Instructions {
  const button = page.getElementById("show-instructions");
  const dialog = page.createElement("dialog");
  dialog.className = "instructions";
  dialog.setAttribute("aria-label", "Instructions");
  const title = page.createElement("h2");
  title.textContent = "Instructions";
  const body = page.createElement("div");
  body.className = "instructions-text";
  const close = page.createElement("button");
  close.type = "button";
  close.className = "btn";
  close.textContent = "Close";
  close.addEventListener("click", () => dialog.close());
  dialog.append(title, body, close);
  page.body.append(dialog);

  let text = "";
  const open = (): void => {
    if (text !== "" && !dialog.open) dialog.showModal();
  };
  button?.addEventListener("click", (event) => {
    event.preventDefault();
    open();
  });
  page.addEventListener("keydown", (event) => {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (plain && event.key.toLowerCase() === "i" && !isTyping(event.target)) open();
  });
  return {
    show(newText) {
      if (newText === text && button?.hidden === (text === "")) return;
      text = newText;
      body.textContent = text;
      if (button) button.hidden = text === "";
    },
  };
}
