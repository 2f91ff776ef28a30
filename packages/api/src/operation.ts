/** One operation of the API: its route, its entry in the OpenAPI document, and what answers it. */
import { AgentCoreError, jsonDocument } from "@agentcore/contract";
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import type { TokenScope } from "@agentcore/triggers";
import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import * as z from "zod";
import type { ComponentName } from "./components.ts";

export interface ApiEnv {
  Bindings: HttpBindings & {
    /** How the request came: over the Unix socket only the owner's processes come. */
    readonly via: "socket" | "tcp";
  };
  Variables: {
    /** Of the token; absent over the Unix socket. */
    scope?: TokenScope;
  };
}

export type ApiApp = OpenAPIHono<ApiEnv>;
export type ApiContext = Context<ApiEnv>;

export interface Operation<Params, Query, Body> {
  /** Name of the operation, and of the method of the client. */
  readonly id: string;
  readonly method: "get" | "post";
  /** With `{name}` for parameters. */
  readonly path: string;
  readonly group: string;
  readonly summary: string;
  readonly params?: z.ZodType<Params>;
  readonly query?: z.ZodLazy<z.ZodType<Query>>;
  /** May be left out if it is valid when empty. */
  readonly body?: z.ZodType<Body>;
  /** A body that the port checks, as this component. */
  readonly rawBody?: ComponentName;
  readonly answer: Answer;
  /** Default 200. */
  readonly status?: number;
  /** For an answer that has another status at times. */
  readonly statusOf?: (document: object) => number;
  /** Answered without a token. */
  readonly isOpen?: boolean;
}

export type Answer =
  | { readonly one: ComponentName }
  | { readonly list: ComponentName | readonly ComponentName[] };

export const one = (name: ComponentName): Answer => ({ one: name });
export const listOf = (...names: ComponentName[]): Answer => ({ list: names });

export interface OperationInput<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly context: ApiContext;
}

/** `next`: pass as `before` for the next page; null: this was the last. */
export interface ListAnswer {
  readonly items: readonly object[];
  readonly next: string | number | null;
}

type Handler<Params, Query, Body> = (input: OperationInput<Params, Query, Body>) => object | Promise<object>;

export function operation<Params = unknown, Query = unknown, Body = unknown>(
  app: ApiApp,
  spec: Operation<Params, Query, Body>,
  handle: Handler<Params, Query, Body>,
): void {
  const status = spec.status ?? 200;
  const route = createRoute({
    method: spec.method,
    path: spec.path,
    operationId: spec.id,
    summary: spec.summary,
    tags: [spec.group],
    ...(spec.isOpen === true ? { security: [] } : {}),
    request: {
      ...(spec.params === undefined ? {} : { params: spec.params as unknown as z.ZodObject }),
      ...(spec.query === undefined ? {} : { query: spec.query.unwrap() as unknown as z.ZodObject }),
      ...bodyOf(spec),
    },
    responses: {
      [status]: {
        description: "Done.",
        content: { "application/json": { schema: answerSchema(spec.answer) } },
      },
      default: { description: "An error.", content: { "application/json": { schema: reference("Error") } } },
    },
  });
  const answer = async (context: ApiContext) => {
    const document = await handle({ ...(await inputOf(spec, context)), context });
    return context.json(jsonDocument(document), (spec.statusOf?.(document) ?? status) as 200);
  };
  app.openapi(route, answer as never);
}

export const reference = (name: ComponentName) => ({ $ref: `#/components/schemas/${name}` });

function answerSchema(answer: Answer) {
  if ("one" in answer) return reference(answer.one);
  const names = [answer.list].flat();
  const items = names.length === 1 ? reference(names[0]!) : { anyOf: names.map(reference) };
  return {
    type: "object" as const,
    properties: {
      v: { const: 1 } as object,
      type: { const: "list" } as object,
      items: { type: "array" as const, items },
      next: { type: ["string", "integer", "null"] as ("string" | "integer" | "null")[] },
    },
    required: ["v", "type", "items", "next"],
    additionalProperties: false,
  };
}

export const listDocument = ({ items, next }: ListAnswer): object => ({ type: "list", items, next });

function bodyOf({ body, rawBody }: Operation<unknown, unknown, unknown>) {
  if (rawBody !== undefined) {
    return { body: { required: true, content: { "application/json": { schema: reference(rawBody) } } } };
  }
  if (body === undefined) return {};
  const required = !body.safeParse({}).success;
  const { $schema: _, ...schema } = z.toJSONSchema(body, { io: "input" });
  return { body: { required, content: { "application/json": { schema: schema as object } } } };
}

async function inputOf<Params, Query, Body>(
  spec: Operation<Params, Query, Body>,
  context: ApiContext,
): Promise<OperationInput<Params, Query, Body>> {
  const { req } = context;
  const isBody = spec.body !== undefined || spec.rawBody !== undefined;
  const text = isBody ? await req.text() : "";
  if (text !== "" && !/^application\/json\b/i.test(req.header("content-type") ?? "")) {
    throw new AgentCoreError("AC_API_REQUEST", "the body is not sent as application/json");
  }
  const body = text === "" ? {} : jsonOf(text);
  return {
    params: req.valid("param" as never) as Params,
    query: req.valid("query" as never) as Query,
    body: (spec.body === undefined ? body : parsed(spec.body, body)) as Body,
    context,
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new AgentCoreError("AC_API_REQUEST", `the body is not JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw requestError(result.error);
}

export function requestError({ issues }: z.core.$ZodError): AgentCoreError {
  const texts = issues
    .slice(0, 20)
    .map(({ path, message }) => `${path.join(".") || "the request"}: ${message}`);
  return new AgentCoreError("AC_API_REQUEST", texts[0] ?? "the request is wrong", {
    evidence: { issues: texts },
  });
}
