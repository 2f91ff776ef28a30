/** A service that reviews pull requests: it queues a job for each request, and tells how it is going. */
import { Readable } from "node:stream";
import { isAgentCoreError, type AgentCore, type ErrorCode, type JobHandle } from "agentcore";
import Fastify, { type FastifyInstance } from "fastify";

interface Review {
  readonly pullRequest: number;
  /** A checkout of the pull request. */
  readonly workspace: string;
}

/** The service closes AgentCore when it is closed. */
export function buildService(core: AgentCore): FastifyInstance {
  const app = Fastify();

  app.post<{ Body: Review }>("/reviews", async ({ body }, reply) => {
    const job = await core.submit({
      // While a review of the pull request is unfinished, a second request joins it.
      key: `review-${body.pullRequest}`,
      task: {
        worker: "claude-code",
        workspace: body.workspace,
        instructions: `Review pull request ${body.pullRequest}. Do not change anything.`,
        capabilities: ["read"],
      },
      limits: { timeoutMs: 15 * 60_000, maxCostUsd: 2, maxAttempts: 2 },
    });
    return reply.code(202).send({ id: job.id, joined: job.deduplicated });
  });

  app.get<{ Params: { id: string } }>("/reviews/:id", async ({ params }) => {
    const { record } = await core.scheduler.why(params.id);
    const { state, result, spent } = record;
    return { state: state.kind, review: result?.summary ?? null, costUsd: spent.costUsd };
  });

  app.get<{ Params: { id: string } }>("/reviews/:id/result", async ({ params }) => {
    const job = await core.scheduler.attach(params.id);
    const { state, result, reason } = await job.result();
    return { state, review: result?.summary ?? null, reason: reason?.message ?? null };
  });

  // Server-sent events: what the worker does, from now until the review ends.
  app.get<{ Params: { id: string } }>("/reviews/:id/events", async ({ params }, reply) => {
    const job = await core.scheduler.attach(params.id);
    return reply.type("text/event-stream").send(Readable.from(serverSentEvents(job)));
  });

  app.delete<{ Params: { id: string } }>("/reviews/:id", async ({ params }, reply) => {
    const job = await core.scheduler.attach(params.id);
    await job.cancel({ reason: "cancelled over HTTP" });
    return reply.code(204).send();
  });

  app.setErrorHandler((error, _request, reply) => {
    if (!isAgentCoreError(error)) return reply.send(error);
    const { code, message, cure } = error;
    return reply.code(statusOf(code)).send({ code, message, cure });
  });

  // Not `onClose`, which waits for open requests: those for a result or for events end once AgentCore is closed.
  app.addHook("preClose", () => core.close());
  return app;
}

async function* serverSentEvents(job: JobHandle): AsyncGenerator<string> {
  for await (const event of job.events()) yield `data: ${JSON.stringify(event)}\n\n`;
}

function statusOf(code: ErrorCode): number {
  switch (code) {
    case "AC_JOB_NOT_FOUND":
      return 404;
    case "AC_KEY_HELD":
      return 409;
    case "AC_STORE_UNAVAILABLE":
    case "AC_DRAINING":
      return 503;
    default:
      return 400;
  }
}
