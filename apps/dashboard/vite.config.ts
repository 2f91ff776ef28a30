import { defaultClientConditions, defineConfig } from "vite";

/** `vite build` writes the page to dist/page; `vite` alone serves it with the API of the daemon that `AGENTCORE_URL` names. */
const daemon = process.env["AGENTCORE_URL"] ?? "http://127.0.0.1:8377";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  // Packages of this repository are taken from their sources, as everywhere here.
  resolve: { conditions: ["@agentcore/source", ...defaultClientConditions] },
  worker: { format: "es" },
  server: { proxy: { "/v1": { target: daemon, changeOrigin: true } } },
  build: {
    outDir: "dist/page",
    emptyOutDir: true,
    target: "es2024",
    // The policy of the page allows no data: URL but those of pictures.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    license: { fileName: "licenses.md" },
  },
});
