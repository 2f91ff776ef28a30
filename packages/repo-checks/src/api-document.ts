/** Writes `docs/api.md` from the OpenAPI document. `node packages/repo-checks/src/main.ts` writes it; a test compares. */
import { errorStatuses, openApiDocument } from "@agentcore/api";

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security?: readonly unknown[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly requestBody?: Content & { readonly required?: boolean };
  readonly responses: Readonly<Record<string, Content>>;
}

interface Place {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

const introduction = `# The HTTP API

Generated from the schemas of the API by \`npm run docs\`. A daemon serves the same as an OpenAPI 3.1 document at \`/v1/openapi.json\`. The package
\`@agentcore/client\` has one typed method for each operation, with the name given here.

Every answer is a document in the form of \`agentcore … --json\`: \`"v": 1\`, times in ISO 8601 (UTC), and null for what is not known. A list is
\`{ "v": 1, "type": "list", "items": […], "next": … }\`; pass \`next\` as \`before\` for the next page. New fields may come in any version.

## Who may call

- Over the **Unix socket** no token is needed: its file has mode 0600, so that only processes of the same user can open it.
- Over **TCP** every operation needs \`Authorization: Bearer TOKEN\`, except those marked "open". A token has the scope \`read\` or \`operate\`; with
  \`read\`, only \`GET\` is answered. Only the SHA-256 of a token is stored. \`GET /metrics\` needs a token too.
- The \`Host\` header has to name \`localhost\`, a loopback address, or a configured name. Changes and event streams are refused if \`Origin\` or
  \`Sec-Fetch-Site\` says that they come from a page of another site. No CORS header is ever sent.
- A body has at most 1 MiB and has to be \`application/json\`. A request has to arrive within 30 s, and its answer begins within 2 minutes.

\`\`\`sh
curl --unix-socket /path/of/the/agentcore.sock http://localhost/v1/queue
curl -H "Authorization: Bearer $AGENTCORE_TOKEN" "http://127.0.0.1:7411/v1/jobs?state=dead&limit=10"
\`\`\`

## Batches

Operations on all that match work in batches of at most 500, so that each answer is quick and a lost answer costs little. Repeat
\`replayDeadLetters\` and \`cancelJobs\` with \`before\` set to the \`next\` of the answer until it is null; repeat \`purgeDeadLetters\` until
\`purged\` is 0. Give conditions in \`where\`, or \`"all": true\`; an empty \`where\` is refused.
\`countJobs\` and \`countDeadLetters\` say beforehand how many match.

## Following events

\`GET /v1/events\` is a stream of server-sent events. The name of an event is its topic, its data one document.

- The first event is \`ready\`. \`resync\` in its place says that events were missed: read again what you show.
- \`Last-Event-ID\` continues after the last event that a client has. The newest 1 MiB of each topic are kept.
- A comment comes every 15 s. A client that is more than 1 MiB or 30 s behind is disconnected.
- \`output\`, what workers say, comes only if it is asked for: \`?topic=jobs&topic=output&job=ID\`.
`;

export function apiDocument(): string {
  const places = placesOf(openApiDocument() as { paths: Record<string, Record<string, Operation>> });
  const groups = [...new Set(places.map(({ operation }) => operation.tags[0] ?? ""))];
  const sections = groups.flatMap((group) => [
    `## ${group}`,
    "",
    ...places.filter(({ operation }) => operation.tags[0] === group).flatMap(operationLines),
  ]);
  return [introduction, ...errorLines(), ...sections].join("\n");
}

function placesOf({ paths }: { readonly paths: Record<string, Record<string, Operation>> }): Place[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

function errorLines(): string[] {
  const rows = Object.entries(errorStatuses()).map(
    ([status, codes]) => `| ${status} | ${codes.map((code) => `\`${code}\``).join(", ")} |`,
  );
  return [
    "## Errors",
    "",
    'An error is the document `{ "v": 1, "type": "error", "code", "message", "cure", "evidence" }`. Its [code](error-codes.md) decides the status.',
    "",
    "| Status | Codes |",
    "| --- | --- |",
    ...rows,
    "| 503 | every other code whose request may succeed later as it is |",
    "| 400 | every other code |",
    "",
  ];
}

function operationLines({ method, path, operation }: Place): string[] {
  const { operationId, summary, parameters = [], requestBody, responses } = operation;
  const status = Object.keys(responses).find((each) => /^\d/.test(each)) ?? "200";
  const isOpen = operation.security?.length === 0;
  const scope = isOpen ? "open" : method === "GET" ? "`read`" : "`operate`";
  const query = parameters.filter((each) => each.in === "query");
  const body = fieldsOf(requestBody?.content?.["application/json"]?.schema);
  return [
    `### ${operationId}`,
    "",
    `\`${method} ${path}\` · ${scope} · answers ${status} with ${answerText(responses[status])}`,
    "",
    summary,
    "",
    ...(query.length === 0
      ? []
      : [`Query: ${query.map(({ name, schema }) => field(name, schema)).join(", ")}.`, ""]),
    ...(body === "" ? [] : [`Body: ${body}.`, ""]),
  ];
}

function answerText(response: Content | undefined): string {
  const content = response?.content ?? {};
  if (content["text/event-stream"] !== undefined) return "a stream";
  const schema = content["application/json"]?.schema;
  if (schema?.$ref !== undefined) return named(schema);
  const items = schema?.properties?.["items"]?.items;
  return `a list of ${(items?.anyOf ?? [items ?? {}]).map(named).join(" or ")}`;
}

const named = ({ $ref = "" }: Schema): string => `\`${$ref.split("/").at(-1)}\``;

function fieldsOf(schema: Schema | undefined): string {
  if (schema?.$ref !== undefined) return named(schema);
  const required = schema?.required ?? [];
  return Object.entries(schema?.properties ?? {})
    .map(([name, each]) => field(name, each, required.includes(name)))
    .join(", ");
}

function field(name: string, schema: Schema, isRequired = false): string {
  const values = schema.enum ?? schema.anyOf?.find((each) => each.enum !== undefined)?.enum;
  const notes = [
    ...(isRequired ? ["required"] : []),
    ...(values === undefined || values.length > 8 ? [] : [values.join(", ")]),
    ...(schema.anyOf?.some(({ type }) => type === "array") === true ? ["may be repeated"] : []),
  ];
  return notes.length === 0 ? `\`${name}\`` : `\`${name}\` (${notes.join("; ")})`;
}
