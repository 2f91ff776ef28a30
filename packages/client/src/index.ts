/** A typed client of the HTTP API of the daemon. */
export {
  createClient,
  type AgentCoreClient,
  type CallOptions,
  type ClientOptions,
  type Page,
} from "./create-client.ts";
export { EventParser, type StreamMessage } from "./event-parser.ts";
export type { EventDocument, FollowedEvent, FollowOptions } from "./follow-events.ts";
export type { Fetch } from "./transport.ts";
