// How the browser side is built: three scripts and one style sheet, named by the manifest that the pages read.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { thirdPartyLicenses } from "./bundling/licenses.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here("."),
  base: "/static/dist/",
  publicDir: false,
  plugins: [thirdPartyLicenses(here("."))],
  build: {
    outDir: here("../crowd_hitl/static/dist"),
    emptyOutDir: true,
    manifest: true,
    // A data: URL would be refused by the content security policy for fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    // Browsers with light-dark() and @property: without this the minifier rewrites the tokens.
    cssTarget: ["chrome123", "firefox128", "safari17.5"],
    chunkSizeWarningLimit: 800,
    rolldownOptions: {
      input: {
        styles: here("src/styles/index.css"),
        theme: here("src/theme.ts"),
        console: here("src/console.ts"),
        worker: here("src/worker.ts"),
      },
    },
  },
});
