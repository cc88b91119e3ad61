// Sends the answers that were still waiting when the labelling page was closed. Loaded only when there are any.
import { WorkerApi } from "./api.ts";
import { Outbox, openStorage } from "./outbox.ts";

const content = (name: string) => document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? "";
const api = new WorkerApi("/api/v1", content("csrf-token"));
const quiet = () => undefined;
const outbox = new Outbox(
  api,
  { accepted: quiet, replaced: quiet, refused: quiet, changed: quiet },
  content("account-id"),
  openStorage("localStorage"),
);
void outbox.send();
window.addEventListener("online", () => outbox.retry());
