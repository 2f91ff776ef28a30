/** The HTTP API as one function from request to response: the checks in front, the operations, and errors as answers. */
import { AgentCoreError, errorDocument, jsonDocument, type Clock, type Log } from "@agentcore/contract";
import { OpenAPIHono } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { asAgentCoreError, causeText, statusOf } from "./http/error-answer.ts";
import { limitBody } from "./http/limit-body.ts";
import { Refusals } from "./http/refusals.ts";
import { checkHost, checkOrigin } from "./http/same-site.ts";
import { checkToken, type TokenReader } from "./http/tokens.ts";
import { requestError, type ApiApp, type ApiContext, type ApiEnv } from "./operation.ts";
import { openApiOf } from "./openapi.ts";
import type { ApiPorts } from "./ports.ts";
import { addOperations } from "./routes/operations.ts";
import type { EventHub } from "./stream/event-hub.ts";

export interface AppOptions {
  readonly ports: ApiPorts;
  readonly tokens: TokenReader;
  /** Names of the daemon beside those of loopback, in lower case. */
  readonly hosts: ReadonlySet<string>;
  readonly clock: Clock;
  readonly log: Log;
  readonly hub: EventHub;
  /** Answers requests outside the API; null: it has no such page. */
  readonly page?: PageHandler | undefined;
  /** Most bytes of a body. */
  readonly bodyBytesMax: number;
  /** Longest time until an answer begins. */
  readonly answerMs: number;
}

export type PageHandler = (request: Request) => Promise<Response | null> | Response | null;

/** Answered without a token. */
const openPaths: ReadonlySet<string> = new Set(["/v1/health", "/v1/readiness", "/v1/openapi.json"]);

export interface BuiltApp {
  readonly app: ApiApp;
  readonly refusals: Refusals;
}

export function buildApp(options: AppOptions): BuiltApp {
  const { clock, log, ports } = options;
  const refusals = new Refusals({ clock, log });
  const app: ApiApp = new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (!result.success) throw requestError(result.error);
    },
  });
  app.onError((thrown, context) => refuse(thrown, context, options, refusals));
  app.notFound((context) => otherPage(context, options, refusals));
  app.use(securityHeaders);
  app.use(checks(options));
  app.use(limitBody(options.bodyBytesMax));
  app.use(answersWithin(options));
  addOperations(app, options);
  const document = JSON.stringify(openApiOf(app));
  app.get("/v1/openapi.json", (context) =>
    context.body(document, 200, { "content-type": "application/json" }),
  );
  if (ports.metrics !== null) addMetrics(app, ports.metrics);
  return { app, refusals };
}

function addMetrics(app: ApiApp, metrics: () => Promise<string>): void {
  app.get("/metrics", async (context) =>
    context.body(await metrics(), 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }),
  );
}

/** For answers that do not say otherwise. Nothing here is for frames, scripts or caches of others. */
const securityHeaders: MiddlewareHandler<ApiEnv> = async (context, next) => {
  await next();
  const headers: Readonly<Record<string, string>> = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
  };
  for (const [name, value] of Object.entries(headers)) {
    if (!context.res.headers.has(name)) context.res.headers.set(name, value);
  }
};

/** Who asks, and whether they may. */
function checks({ tokens, hosts, clock }: AppOptions): MiddlewareHandler<ApiEnv> {
  return async (context, next) => {
    const { req, env } = context;
    const isChange = req.method !== "GET" && req.method !== "HEAD";
    if (env.via === "tcp") {
      checkHost(req.header("host"), hosts);
      if (isChange || req.path === "/v1/events") checkOrigin(req.raw.headers);
      if (isApi(req.path) && !openPaths.has(req.path)) {
        const { scope, name } = await checkToken(req.header("authorization"), tokens, clock.now());
        context.set("scope", scope);
        if (isChange && scope !== "operate") {
          throw new AgentCoreError("AC_API_FORBIDDEN", `the token "${name}" may only read`);
        }
      }
    }
    await next();
  };
}

const isApi = (path: string): boolean => path === "/metrics" || path === "/v1" || path.startsWith("/v1/");

/** The request may go on after its answer. */
function answersWithin({ clock, answerMs }: AppOptions): MiddlewareHandler<ApiEnv> {
  return async (_context, next) => {
    const late = Promise.withResolvers<never>();
    const timer = clock.setTimer(answerMs, () =>
      late.reject(new AgentCoreError("AC_API_TIMEOUT", `there was no answer within ${answerMs} ms`)),
    );
    try {
      await Promise.race([next(), late.promise]);
    } finally {
      timer.cancel();
    }
  };
}

async function otherPage(context: ApiContext, options: AppOptions, refusals: Refusals): Promise<Response> {
  const { req } = context;
  const isPage = (req.method === "GET" || req.method === "HEAD") && !isApi(req.path);
  const response = isPage ? await options.page?.(req.raw) : undefined;
  if (response !== undefined && response !== null) return response;
  const error = new AgentCoreError("AC_API_NO_OPERATION", `there is no ${req.method} ${req.path}`);
  return refuse(error, context, options, refusals);
}

function refuse(thrown: unknown, context: ApiContext, { log }: AppOptions, refusals: Refusals): Response {
  const error = asAgentCoreError(thrown);
  const status = statusOf(error.code);
  if (status >= 500 && error.code === "AC_INTERNAL") {
    log.error({ error: causeText(error), path: context.req.path }, "a request to the API failed");
  }
  refusals.note(error.code, context.req.path);
  if (status === 401) context.header("www-authenticate", "Bearer");
  return context.json(jsonDocument(errorDocument(error)), status as 400);
}
