// Unit tests of the browser side: a simulated page, no network.
import { defineConfig } from "vitest/config";

export default defineConfig({ test: { environment: "jsdom", include: ["tests/**/*.test.ts"] } });
