/** Runs Claude Code as a worker. */
export { claudeCodeAdapter, claudeCodeAdapter as default } from "./adapter.ts";
export { claudeSettingsSchema, type ClaudeSettings } from "./settings.ts";
