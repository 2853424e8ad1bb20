import { defineConfig } from "vite";

/** Where `npm run dev` finds the services: those of `fotograma dev` on its usual ports. */
const DEV = "http://127.0.0.1:8000";

export default defineConfig({
  // Relative, so that the page may be served from any folder.
  base: "./",
  build: {
    target: "es2022",
    // Data addresses would need a wider policy than the page's own.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: { proxy: { "/config.json": DEV } },
});
