/** Which requests of an agent are forwarded, and which of them are metered. What is not listed here is refused. */
import type { ProviderProtocol } from "@agentcore/contract";
import type { RequestHeaders, Route } from "./protocol.ts";
import { noWebSockets, unknownPath } from "./refusals.ts";

interface Rule {
  readonly methods: readonly string[];
  readonly path: RegExp;
  readonly kind: "metered" | "unmetered" | "charged-by-bound" | "hello";
}

const models = String.raw`/models(?:/[\w:@-][\w.:@-]*){0,2}`;

const rules: Readonly<Record<ProviderProtocol, readonly Rule[]>> = {
  "anthropic-messages": [
    { methods: ["POST"], path: /^\/v1\/messages$/, kind: "metered" },
    { methods: ["POST"], path: /^\/v1\/messages\/count_tokens$/, kind: "unmetered" },
    { methods: ["GET", "HEAD"], path: new RegExp(`^/v1${models}$`), kind: "unmetered" },
    // Claude Code asks whether the network is there.
    { methods: ["GET", "HEAD"], path: /^\/api\/hello$/, kind: "hello" },
  ],
  "openai-responses": [
    { methods: ["POST"], path: /^(?:\/v1)?\/responses$/, kind: "metered" },
    {
      methods: ["POST"],
      path: /^(?:\/v1)?\/(?:responses\/compact|memories\/trace_summarize)$/,
      kind: "charged-by-bound",
    },
    { methods: ["POST"], path: /^(?:\/v1)?\/responses\/input_tokens$/, kind: "unmetered" },
    { methods: ["GET", "HEAD"], path: new RegExp(`^(?:/v1)?${models}$`), kind: "unmetered" },
    // A ChatGPT login: its limits and settings, and the tools of its apps.
    {
      methods: ["GET", "HEAD"],
      path: /^(?:\/backend-api)?\/(?:wham|api\/codex)(?:\/[\w-]+)+$/,
      kind: "unmetered",
    },
    { methods: ["GET", "POST", "DELETE"], path: /^(?:\/backend-api)?\/ps\/mcp$/, kind: "unmetered" },
  ],
  "openai-chat": [
    { methods: ["POST"], path: /^(?:\/v1)?\/chat\/completions$/, kind: "metered" },
    { methods: ["GET", "HEAD"], path: new RegExp(`^(?:/v1)?${models}$`), kind: "unmetered" },
  ],
};

export function routeOf(
  protocol: ProviderProtocol,
  method: string,
  target: string,
  headers: RequestHeaders,
): Route {
  if (asksForWebSocket(headers)) return { kind: "refused", response: noWebSockets(protocol) };
  const query = target.indexOf("?");
  const path = query === -1 ? target : target.slice(0, query);
  const rule = rules[protocol].find((each) => each.methods.includes(method) && each.path.test(path));
  if (rule === undefined) return { kind: "refused", response: unknownPath(protocol, method, path) };
  if (rule.kind !== "hello") return { kind: rule.kind };
  const response = { status: 200, headers: { "content-type": "application/json" }, body: "{}" };
  return { kind: "answered", response };
}

function asksForWebSocket(headers: RequestHeaders): boolean {
  return [headers["upgrade"] ?? []].flat().some((value) => /(?:^|[\s,])websocket/i.test(value));
}
