/** The HTTP API of the daemon. */
export type { PageHandler } from "./app.ts";
export { errorStatuses } from "./http/error-answer.ts";
export {
  createToken,
  withConfiguredToken,
  type CreatedToken,
  type NewToken,
  type TokenReader,
} from "./http/tokens.ts";
export { createMetrics, type Metrics, type MetricsSample } from "./metrics.ts";
export { openApiDocument } from "./openapi.ts";
export type * from "./ports.ts";
export { queueJobs, type QueueJobsOptions } from "./queue-jobs.ts";
export {
  serveApi,
  type ApiLimits,
  type ApiStats,
  type ListenOptions,
  type ServeApiOptions,
  type ServedApi,
} from "./serve-api.ts";
export type { StreamLimits } from "./stream/event-hub.ts";
