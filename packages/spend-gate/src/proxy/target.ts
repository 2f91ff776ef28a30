/**
 * Decides whether the gate takes a request by its target and its `Host`. A request says only which path below the configured
 * address it wants: whatever could name another host, or leave that path, is refused. Pure.
 */

export type TargetCheck =
  | { readonly kind: "ok"; readonly path: string }
  | { readonly kind: "refused"; readonly status: number; readonly message: string };

/** `hosts`: names that a request may give, in lower case and without port, beside those of this machine. */
export function checkTarget(
  target: string,
  host: string | undefined,
  hosts: ReadonlySet<string>,
): TargetCheck {
  if (!target.startsWith("/") || target.startsWith("//")) {
    return refused(400, "the target of a request must be a path, such as /v1/messages");
  }
  if (!isPlainPath(target)) return refused(400, "the path of the request is not in its plain form");
  const name = hostName(host);
  if (name === null || !(localNames.has(name) || hosts.has(name))) {
    return refused(421, "the request names a host that is not configured");
  }
  return { kind: "ok", path: target };
}

const localNames: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"]);

const refused = (status: number, message: string): TargetCheck => ({ kind: "refused", status, message });

/** Whether no server can read the path as another one: no dot segments, backslashes or control characters, however encoded. */
function isPlainPath(target: string): boolean {
  const path = target.split("?", 1)[0] ?? "";
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u0020\u007f-\uffff\\#]/.test(target)) return false;
  if (/%(?:2f|5c|00|0a|0d|25)/i.test(path)) return false;
  return !path.split("/").some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment));
}

function hostName(host: string | undefined): string | null {
  if (host === undefined || host === "") return null;
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(host);
  return match === null ? null : (match[1] ?? "").toLowerCase();
}

/** Appends a path to a configured address. `/v1` at the end of one and the start of the other is meant once. */
export function upstreamPath(basePath: string, path: string): string {
  const base = basePath.replace(/\/+$/, "");
  return base.endsWith("/v1") && path.startsWith("/v1/") ? base + path.slice("/v1".length) : base + path;
}
