/** The daemon file, its events and triggers. */
export * from "./chain.ts";
export * from "./definition.ts";
export * from "./documents.ts";
export type { GateLookUp, LookUpGate } from "./file/check-gates.ts";
export { daemonJsonSchema } from "./file/file-schema.ts";
export {
  parseDaemonFile,
  type ParseDaemonRequest,
  type ParseDaemonResult,
} from "./file/parse-daemon-file.ts";
export * from "./firing.ts";
export { createMemoryTokenStore } from "./memory/memory-token-store.ts";
export { createMemoryTriggerStore } from "./memory/memory-trigger-store.ts";
export { matchesFilter } from "./matches-filter.ts";
export * from "./source.ts";
export * from "./sources/command-source.ts";
export * from "./sources/file-watch-source.ts";
export * from "./sources/queue-source.ts";
export * from "./sources/webhook-server.ts";
export * from "./sources/schedule-source.ts";
export { eventColumns, eventOf, storedEventOf, valuesOfEvent } from "./stored/stored-event.ts";
export { firingColumns, firingOf, storedFiringOf, unreadableState } from "./stored/stored-firing.ts";
export {
  prepareChange,
  reasonCodeOf,
  storedSources,
  storedTriggerState,
  type PreparedChange,
} from "./stored/stored-state.ts";
export {
  renderTemplate,
  templateToShell,
  type ShellTemplate,
  type TemplateValues,
} from "./template/render.ts";
export * from "./trigger-event.ts";
export * from "./trigger-runner.ts";
export * from "./trigger-state.ts";
export * from "./trigger-store.ts";
export { spentAt, usedUpUntil } from "./decide/budget.ts";
export { decide } from "./decide/decide.ts";
export { initialState } from "./decide/initial-state.ts";
export type * from "./decide/machine.ts";
export { nextWakeAt } from "./decide/next-wake.ts";
export { nextSlotAt, slotsBetween, type Slot, type SlotCursor, type SlotRange } from "./decide/slots.ts";
export { waitReason, type WaitReason } from "./decide/waiting.ts";
export { TriggerEngine, type TriggerEngineOptions } from "./engine/trigger-engine.ts";
