// Writes third-party-licenses.md beside the built files: whose code the bundle carries, and under which terms.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Plugin } from "vite";

interface Manifest {
  name: string;
  version: string;
  license?: string;
  dependencies?: Record<string, string>;
}

const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;

/** The folder a package resolves to from another one, as Node finds it: upwards through node_modules. */
function findPackage(name: string, from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = join(folder, "node_modules", name);
    if (existsSync(join(found, "package.json"))) return found;
    if (folder === dirname(folder)) throw new Error(`${name} is not installed: run npm ci`);
  }
}

/** The licence and, where Apache-2.0 asks for it, the notice. Vite lists its build-time parts after its own: left out. */
function licenseText(folder: string): string {
  const files = readdirSync(folder).filter((name) => /^(licen[sc]e|copying|notice)(\.|$)/i.test(name));
  if (files.length === 0) return "(the package carries no licence text)";
  const texts = files.sort().map((name) => readFileSync(join(folder, name), "utf8"));
  return texts.map((text) => text.split(/^# Licenses of bundled dependencies/m)[0]?.trim()).join("\n\n");
}

/** Everything the pages can load. Vite itself only gives its small preload helper, so its own needs are left out. */
function collect(root: string): Map<string, { manifest: Manifest; text: string }> {
  const found = new Map<string, { manifest: Manifest; text: string }>();
  const visit = (name: string, from: string): void => {
    const folder = findPackage(name, from);
    const manifest = readManifest(folder);
    const id = `${manifest.name} ${manifest.version}`;
    if (found.has(id)) return;
    found.set(id, { manifest, text: licenseText(folder) });
    if (name === "vite") return;
    for (const next of Object.keys(manifest.dependencies ?? {})) visit(next, folder);
  };
  for (const name of Object.keys(readManifest(root).dependencies ?? {})) visit(name, root);
  return found;
}

export function thirdPartyLicenses(root: string): Plugin {
  return {
    name: "third-party-licenses",
    apply: "build",
    generateBundle() {
      const parts = ["# Third-party code in these files"];
      for (const [id, { manifest, text }] of [...collect(root)].sort(([a], [b]) => a.localeCompare(b))) {
        parts.push(`## ${id}\n\nLicence: ${manifest.license ?? "see the text"}\n\n\`\`\`text\n${text}\n\`\`\``);
      }
      this.emitFile({ type: "asset", fileName: "third-party-licenses.md", source: `${parts.join("\n\n")}\n` });
    },
  };
}
