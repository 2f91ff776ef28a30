/** The operations on dead letters. Those on all that match work in batches, so that each answer is quick. */
import {
  deadLetterListQuerySchema,
  jobFilterSchema,
  omitUndefined,
  purgeSchema,
  replayManySchema,
  replaySchema,
  type ReplayRequest,
} from "@agentcore/contract";
import {
  editJob,
  failedReplayDocument,
  jobDocument,
  replayedDocument,
  type EditJob,
  type JobEdit,
} from "@agentcore/scheduler";
import { jobQueryOf, selectionOf } from "../job-filter.ts";
import { listDocument, listOf, one, operation, type ApiApp } from "../operation.ts";
import type { DeadLettersPort } from "../ports.ts";
import { idParams, type RouteOptions } from "./route-options.ts";

const group = "Dead letters";
const batchJobs = 500;

export function addDeadLetterRoutes(app: ApiApp, { ports: { deadLetters } }: RouteOptions): void {
  addQueryRoutes(app, deadLetters);
  addChangeRoutes(app, deadLetters);
}

function addQueryRoutes(app: ApiApp, deadLetters: DeadLettersPort): void {
  operation(
    app,
    {
      id: "listDeadLetters",
      method: "get",
      path: "/v1/dead-letters",
      group,
      summary: "Lists dead letters that were not replayed, newest first.",
      query: deadLetterListQuerySchema,
      answer: listOf("Job"),
    },
    async ({ query: { before, limit, ...filter } }) => {
      const page = await deadLetters.list({ ...jobQueryOf(filter), ...omitUndefined({ before, limit }) });
      return listDocument({ items: page.jobs.map(jobDocument), next: page.next });
    },
  );

  operation(
    app,
    {
      id: "countDeadLetters",
      method: "get",
      path: "/v1/counts/dead-letters",
      group,
      summary: "Counts the dead letters that were not replayed and meet every condition.",
      query: jobFilterSchema,
      answer: one("Count"),
    },
    async ({ query }) => ({ type: "count", count: await deadLetters.count(jobQueryOf(query)) }),
  );
}

function addChangeRoutes(app: ApiApp, deadLetters: DeadLettersPort): void {
  operation(
    app,
    {
      id: "replayDeadLetter",
      method: "post",
      path: "/v1/dead-letters/{id}/replay",
      group,
      summary: "Submits a dead letter again as a new job. A second replay answers with the job of the first.",
      params: idParams,
      body: replaySchema,
      answer: one("Replayed"),
    },
    async ({ params: { id }, body }) => replayedDocument(await deadLetters.replay(id, editOf(body))),
  );

  operation(
    app,
    {
      id: "replayDeadLetters",
      method: "post",
      path: "/v1/dead-letters/replay",
      group,
      summary:
        "Replays a batch of the dead letters that match, up to 500. Repeat it with `before` until `next` is null. One that cannot be replayed is an item of type `error`.",
      body: replayManySchema,
      answer: listOf("Replayed", "Error"),
    },
    async ({ body: { where, all, before, limit = batchJobs, ...edits } }) => {
      const query = { ...selectionOf({ where, all }), limit, ...omitUndefined({ before }) };
      const { replayed, failed, next } = await deadLetters.replayPage(query, editOf(edits));
      return listDocument({
        items: [...replayed.map(replayedDocument), ...failed.map(failedReplayDocument)],
        next,
      });
    },
  );

  operation(
    app,
    {
      id: "purgeDeadLetters",
      method: "post",
      path: "/v1/dead-letters/purge",
      group,
      summary:
        "Deletes a batch of the dead letters that match for good, up to 500. Repeat it until `purged` is 0.",
      body: purgeSchema,
      answer: one("Purged"),
    },
    async ({ body: { where, all, limit = batchJobs } }) => {
      const ids = await deadLetters.purgePage({ ...selectionOf({ where, all }), limit });
      return { type: "purged", purged: ids.length, ids };
    },
  );
}

function editOf({ set = {}, setText = {} }: ReplayRequest): EditJob | undefined {
  const edits = (given: object, isTyped: boolean): readonly JobEdit[] =>
    Object.entries(given).map(([path, value]: [string, unknown]) => ({
      path: path.split("."),
      value,
      isTyped,
    }));
  return editJob([...edits(set, false), ...edits(setText, true)]);
}
