// Every page but the labelling one: htmx, the theme switch, `/` to search, charts when there are any.
import "./console/htmx_config.ts";
import "htmx.org";
import { connectKeys } from "./console/keys.ts";
import { connectReviewKeys } from "./console/review_keys.ts";
import { connectTheme } from "./console/theme_switch.ts";

function loadCharts(): void {
  if (document.querySelector("ch-chart")) void import("./chart.ts");
}

/** Answers that a lost connection left behind on the labelling page go out from whichever page is opened next. */
function sendLeftAnswers(): void {
  try {
    if (Object.keys(localStorage).some((key) => key.startsWith("ch-answer:"))) void import("./worker/resend.ts");
  } catch {
    // Storage is forbidden: then nothing was left there either.
  }
}

connectTheme(document);
connectKeys(document);
connectReviewKeys(document);
loadCharts();
sendLeftAnswers();
document.addEventListener("htmx:after:swap", loadCharts);
