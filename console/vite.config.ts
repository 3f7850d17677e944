import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

// Cloudscape's style sheet brings its fonts as data: addresses, which the page's policy forbids and every reader would
// pay for; as files they are fetched when they are used.
function fontsAsFiles(): Plugin {
  const font = /url\(data:font\/woff2;(?:charset=utf-8;)?base64,([A-Za-z0-9+/=]+)\)/g;
  return {
    name: "fonts-as-files",
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type === "asset" && file.fileName.endsWith(".css")) {
          const names = new Map<string, string>();
          file.source = String(file.source).replace(font, (_all, content: string) => {
            let name = names.get(content);
            if (!name) {
              const id = this.emitFile({
                type: "asset",
                name: `font-${names.size + 1}.woff2`,
                source: new Uint8Array(Buffer.from(content, "base64")),
              });
              name = this.getFileName(id).replace(/^assets\//, "");
              names.set(content, name);
            }
            return `url(./${name})`;
          });
        }
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), fontsAsFiles()],
  build: {
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: { groups: [{ name: "vendor", test: /node_modules/ }] },
      },
    },
    chunkSizeWarningLimit: 2000,
  },
  test: {
    environment: "jsdom",
    include: ["tests/**/*.test.{ts,tsx}"],
    setupFiles: ["tests/setup.ts"],
  },
});
