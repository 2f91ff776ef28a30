/** Runs OpenCode as a worker. */
export { openCodeAdapter, openCodeAdapter as default } from "./adapter.ts";
export { openCodeSettingsSchema, type OpenCodeSettings } from "./settings.ts";
