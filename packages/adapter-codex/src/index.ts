/** Runs Codex as a worker. */
export { codexAdapter, codexAdapter as default } from "./adapter.ts";
export { codexSettingsSchema, type CodexSettings } from "./settings.ts";
