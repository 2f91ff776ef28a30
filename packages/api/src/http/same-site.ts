/**
 * Refuses what another site could make a browser send. A page of another site reaches the port by a name that it controls
 * (DNS rebinding), which the Host header shows, or sends requests across sites, which Origin and Sec-Fetch-Site show.
 */
import { AgentCoreError } from "@agentcore/contract";

const loopbackNames: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** `hosts`: further names, without ports, in lower case. Throws `AC_API_HOST`. */
export function checkHost(host: string | undefined, hosts: ReadonlySet<string>): void {
  const name = hostName(host ?? "");
  if (name !== null && (loopbackNames.has(name) || hosts.has(name))) return;
  throw new AgentCoreError("AC_API_HOST", `the daemon is not called ${JSON.stringify(host ?? "")}`, {
    evidence: { host: host ?? null },
  });
}

/** Without the port; null if it is no host. */
function hostName(host: string): string | null {
  const [, name] = /^(\[[0-9a-f:.]+\]|[^:/@\s[\]]+)(?::\d{1,5})?$/i.exec(host) ?? [];
  return name?.toLowerCase().replace(/\.$/, "") ?? null;
}

/** Programs send neither header. Throws `AC_API_ORIGIN`. */
export function checkOrigin(headers: Headers): void {
  const site = headers.get("sec-fetch-site");
  const origin = headers.get("origin");
  const isOwnSite = site === null || site === "same-origin" || site === "none";
  const isOwnOrigin = origin === null || originHost(origin) === headers.get("host")?.toLowerCase();
  if (isOwnSite && isOwnOrigin) return;
  throw new AgentCoreError(
    "AC_API_ORIGIN",
    `a request from ${origin ?? `a page that is ${site}`} is refused`,
    {
      evidence: { origin, site },
    },
  );
}

function originHost(origin: string): string | null {
  return /^https?:\/\/(.+)$/i.exec(origin)?.[1]?.toLowerCase() ?? null;
}
