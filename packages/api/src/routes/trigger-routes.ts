/** The operations on triggers, their events and their firings. */
import {
  AgentCoreError,
  backfillSchema,
  emitSchema,
  eventListQuerySchema,
  fireSchema,
  firingListQuerySchema,
  omitUndefined,
  pauseSchema,
  reasonSchema,
  replayEventSchema,
  sequenceQuerySchema,
  type AcceptedDocument,
} from "@agentcore/contract";
import {
  firingDocument,
  triggerDetailsDocument,
  triggerDocument,
  triggerEventDocument,
  type EventQuery,
  type FiringQuery,
  type TriggerView,
} from "@agentcore/triggers";
import * as z from "zod";
import { manyOf } from "../job-filter.ts";
import { listDocument, listOf, one, operation, type ApiApp } from "../operation.ts";
import type { Accepted, TriggersPort } from "../ports.ts";
import { idParams, type RouteOptions } from "./route-options.ts";

const group = "Triggers";
const limitDefault = 100;
const topicParams = z.strictObject({ topic: z.string().min(1).max(512) });

const accepted = ({ events, duplicates }: Accepted): AcceptedDocument => ({
  type: "accepted",
  events: [...events],
  duplicates,
});

export function addTriggerRoutes(app: ApiApp, { ports }: RouteOptions): void {
  const triggers = (): TriggersPort => {
    if (ports.triggers === null)
      throw new AgentCoreError("AC_TRIGGERS_NONE", "this process runs no triggers");
    return ports.triggers;
  };
  addStateRoutes(app, triggers);
  addFireRoutes(app, triggers);
  addEventRoutes(app, triggers);
  addNewEventRoutes(app, triggers);
  addFiringRoutes(app, triggers);
}

function addStateRoutes(app: ApiApp, triggers: () => TriggersPort): void {
  operation(
    app,
    {
      id: "listTriggers",
      method: "get",
      path: "/v1/triggers",
      group,
      summary: "Lists the triggers in the order of the daemon file.",
      answer: listOf("Trigger"),
    },
    async () => listDocument({ items: (await triggers().list()).map(triggerDocument), next: null }),
  );

  operation(
    app,
    {
      id: "showTrigger",
      method: "get",
      path: "/v1/triggers/{id}",
      group,
      summary: "Shows a trigger with its settings, its state, and how often it skipped events and why.",
      params: idParams,
      answer: one("TriggerDetails"),
    },
    async ({ params: { id } }) => triggerDetailsDocument(await viewOf(id, triggers())),
  );

  operation(
    app,
    {
      id: "pauseTrigger",
      method: "post",
      path: "/v1/triggers/{id}/pause",
      group,
      summary:
        "Pauses a trigger: its events are skipped with the reason `paused`. The note is shown with it.",
      params: idParams,
      body: pauseSchema,
      answer: one("Trigger"),
    },
    async ({ params: { id }, body: { note = "" } }) => {
      await viewOf(id, triggers());
      await triggers().pause(id, note);
      return triggerDocument(await viewOf(id, triggers()));
    },
  );

  operation(
    app,
    {
      id: "resumeTrigger",
      method: "post",
      path: "/v1/triggers/{id}/resume",
      group,
      summary: "Ends the pause of a trigger.",
      params: idParams,
      answer: one("Trigger"),
    },
    async ({ params: { id } }) => {
      await viewOf(id, triggers());
      await triggers().resume(id);
      return triggerDocument(await viewOf(id, triggers()));
    },
  );
}

function addFireRoutes(app: ApiApp, triggers: () => TriggersPort): void {
  operation(
    app,
    {
      id: "fireTrigger",
      method: "post",
      path: "/v1/triggers/{id}/fire",
      group,
      summary: "Fires a trigger with an event of its own.",
      params: idParams,
      body: fireSchema,
      answer: one("Accepted"),
    },
    async ({ params: { id }, body: { payload = {} } }) => {
      await viewOf(id, triggers());
      const event = await triggers().fire(id, payload);
      return accepted({ events: [event], duplicates: 0 });
    },
  );

  operation(
    app,
    {
      id: "backfillTrigger",
      method: "post",
      path: "/v1/triggers/{id}/backfill",
      group,
      summary: "Fires the slots of a schedule from `from` up to `to`. One that had its event is a duplicate.",
      params: idParams,
      body: backfillSchema,
      answer: one("Accepted"),
    },
    async ({ params: { id }, body: { from, to } }) => {
      if (from >= to) throw new AgentCoreError("AC_API_REQUEST", "from: not before `to`");
      await viewOf(id, triggers());
      return accepted(await triggers().backfill(id, { from, to }));
    },
  );
}

function addEventRoutes(app: ApiApp, triggers: () => TriggersPort): void {
  operation(
    app,
    {
      id: "listEvents",
      method: "get",
      path: "/v1/trigger-events",
      group,
      summary: "Lists events, newest first.",
      query: eventListQuerySchema,
      answer: listOf("TriggerEvent"),
    },
    ({ query }) => events(omitUndefined(query), triggers()),
  );

  operation(
    app,
    {
      id: "listTriggerEvents",
      method: "get",
      path: "/v1/triggers/{id}/events",
      group,
      summary: "Lists the events of the source of a trigger, newest first.",
      params: idParams,
      query: sequenceQuerySchema,
      answer: listOf("TriggerEvent"),
    },
    async ({ params: { id }, query }) => {
      const { definition } = await viewOf(id, triggers());
      return events({ source: definition.on, ...omitUndefined(query) }, triggers());
    },
  );

  operation(
    app,
    {
      id: "showEvent",
      method: "get",
      path: "/v1/trigger-events/{id}",
      group,
      summary: "Shows an event with its payload and the runs that led to it.",
      params: idParams,
      answer: one("TriggerEvent"),
    },
    async ({ params: { id } }) => {
      const event = await triggers().event(id);
      if (event === null) throw noEvent(id);
      return triggerEventDocument(event);
    },
  );
}

function addNewEventRoutes(app: ApiApp, triggers: () => TriggersPort): void {
  operation(
    app,
    {
      id: "replayEvent",
      method: "post",
      path: "/v1/trigger-events/{id}/replay",
      group,
      summary: "Repeats an event, for all triggers of its source or for one. The original stays.",
      params: idParams,
      body: replayEventSchema,
      answer: one("Accepted"),
    },
    async ({ params: { id }, body: { trigger = null } }) => {
      if ((await triggers().event(id)) === null) throw noEvent(id);
      if (trigger !== null) await viewOf(trigger, triggers());
      return accepted({ events: [await triggers().replay(id, trigger)], duplicates: 0 });
    },
  );

  operation(
    app,
    {
      id: "emitEvent",
      method: "post",
      path: "/v1/topics/{topic}",
      group,
      summary: "Sends an event to a topic. Resolves once it is durable.",
      params: topicParams,
      body: emitSchema,
      status: 202,
      answer: one("Accepted"),
    },
    async ({ params: { topic }, body: { payload, key = null, chain = [] } }) =>
      accepted(await triggers().emit({ topic, payload, key, chain })),
  );
}

function addFiringRoutes(app: ApiApp, triggers: () => TriggersPort): void {
  operation(
    app,
    {
      id: "listFirings",
      method: "get",
      path: "/v1/firings",
      group,
      summary: "Lists firings, newest first.",
      query: firingListQuerySchema,
      answer: listOf("Firing"),
    },
    ({ query: { state, ...query } }) =>
      firings(omitUndefined({ ...query, kinds: manyOf(state) }), triggers()),
  );

  operation(
    app,
    {
      id: "listTriggerFirings",
      method: "get",
      path: "/v1/triggers/{id}/firings",
      group,
      summary: "Lists the firings of a trigger, newest first.",
      params: idParams,
      query: sequenceQuerySchema,
      answer: listOf("Firing"),
    },
    async ({ params: { id }, query }) => {
      await viewOf(id, triggers());
      return firings({ trigger: id, ...omitUndefined(query) }, triggers());
    },
  );

  operation(
    app,
    {
      id: "showFiring",
      method: "get",
      path: "/v1/firings/{id}",
      group,
      summary: "Shows a firing: what became of one event at one trigger.",
      params: idParams,
      answer: one("Firing"),
    },
    async ({ params: { id } }) => {
      const firing = await triggers().firing(id);
      if (firing === null) throw noFiring(id);
      return firingDocument(firing, triggers().whyWaits(firing.firing));
    },
  );

  operation(
    app,
    {
      id: "cancelFiring",
      method: "post",
      path: "/v1/firings/{id}/cancel",
      group,
      summary: "Skips a firing that waits, or cancels its run.",
      params: idParams,
      body: reasonSchema,
      answer: one("Firing"),
    },
    async ({ params: { id }, body: { reason = "cancelled by request" } }) => {
      await triggers().cancelFiring(id, reason);
      const firing = await triggers().firing(id);
      if (firing === null) throw noFiring(id);
      return firingDocument(firing, triggers().whyWaits(firing.firing));
    },
  );
}

async function events(query: Partial<EventQuery>, port: TriggersPort): Promise<object> {
  const { limit = limitDefault } = query;
  const found = await port.events({ ...query, limit });
  const next = found.length < limit ? null : (found.at(-1)?.sequence ?? null);
  return listDocument({ items: found.map(triggerEventDocument), next });
}

async function firings(query: Partial<FiringQuery>, port: TriggersPort): Promise<object> {
  const { limit = limitDefault } = query;
  const found = await port.firings({ ...query, limit });
  const next = found.length < limit ? null : (found.at(-1)?.sequence ?? null);
  const items = found.map((each) => firingDocument(each, port.whyWaits(each.firing)));
  return listDocument({ items, next });
}

async function viewOf(id: string, port: TriggersPort): Promise<TriggerView> {
  const view = (await port.list()).find(({ definition }) => definition.id === id);
  if (view !== undefined) return view;
  throw new AgentCoreError("AC_TRIGGER_NOT_FOUND", `no trigger has the id ${id}`);
}

const noEvent = (id: string): AgentCoreError =>
  new AgentCoreError("AC_EVENT_NOT_FOUND", `no event has the id ${id}`);
const noFiring = (id: string): AgentCoreError =>
  new AgentCoreError("AC_FIRING_NOT_FOUND", `no firing has the id ${id}`);
