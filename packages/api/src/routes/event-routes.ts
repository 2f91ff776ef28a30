/** `GET /v1/events`: what happens, as a stream of server-sent events. */
import { AgentCoreError, eventTopics, streamQuerySchema, type EventTopic } from "@agentcore/contract";
import { createRoute } from "@hono/zod-openapi";
import type * as z from "zod";
import { manyOf } from "../job-filter.ts";
import { reference, type ApiApp, type ApiContext } from "../operation.ts";
import type { EventHub } from "../stream/event-hub.ts";

const summary =
  "Follows what happens, as server-sent events. The name of an event is its topic, its data a document. `ready` comes first; `resync` instead says that events were missed, so that everything has to be read again. `Last-Event-ID` continues after the last event that a client has.";

const defaultTopics: readonly EventTopic[] = eventTopics.filter((topic) => topic !== "output");

export function addEventRoutes(app: ApiApp, hub: EventHub): void {
  const route = createRoute({
    method: "get",
    path: "/v1/events",
    operationId: "followEvents",
    summary,
    tags: ["Events"],
    request: { query: streamQuerySchema.unwrap() },
    responses: {
      200: {
        description: "The stream.",
        content: { "text/event-stream": { schema: { type: "string" as const } } },
      },
      default: { description: "An error.", content: { "application/json": { schema: reference("Error") } } },
    },
  });
  const answer = (context: ApiContext) => {
    const query = context.req.valid("query" as never) as z.output<typeof streamQuerySchema>;
    const stream = hub.open({
      ...query,
      topics: manyOf(query.topic) ?? defaultTopics,
      lastEventId: lastEventId(context.req.header("last-event-id")),
      drop: () => context.env.outgoing.destroy(),
    });
    return context.body(stream, 200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      // The connection has no further use after the stream, and a closing server need not wait for one.
      connection: "close",
      // A proxy in front passes each event on at once.
      "x-accel-buffering": "no",
    });
  };
  app.openapi(route, answer as never);
}

function lastEventId(header: string | undefined): number | null {
  if (header === undefined || header === "") return null;
  if (/^\d{1,16}$/.test(header)) return Number(header);
  throw new AgentCoreError("AC_API_REQUEST", "Last-Event-ID: not a number");
}
