/** Runs one job of AgentCore inside an activity or a step of a durable engine. */
export type { ActivityCore, ActivityJob, DaemonCore, LibraryCore } from "./activity-core.ts";
export { ActivityFailure } from "./activity-failure.ts";
export type { ActivityResult } from "./activity-result.ts";
export {
  cancelActivity,
  runAsActivity,
  type ActivityContext,
  type ActivityProgress,
  type ActivityRequest,
} from "./run-as-activity.ts";
