/** Checks the sources of a daemon file against each other. */
import { rawOf, textOf, type Raw, type Report } from "@agentcore/yaml-file";
import { defaultWebhook } from "./build.ts";

export function checkEvents(file: Raw, report: Report): void {
  checkWebhooks(file, report);
}

/** All webhooks of a port are served by one server, which the API does not share. */
function checkWebhooks(file: Raw, report: Report): void {
  const apiPort = rawOf(rawOf(file["server"])["http"])["port"];
  const byPlace = new Map<string, string>();
  const hosts = new Map<number, { readonly host: string; readonly id: string }>();
  for (const [id, value] of Object.entries(rawOf(file["events"]))) {
    const event = rawOf(value);
    const path = textOf(event["path"]);
    if (event["type"] !== "webhook" || path === undefined) continue;
    const port = Number(event["port"] ?? defaultWebhook.port);
    const at = ["events", id];
    const place = `${port} ${path}`;
    const same = byPlace.get(place);
    if (same === undefined) byPlace.set(place, id);
    else report([...at, "path"], `"${same}" has the path ${path} on port ${port} already; write another one`);
    if (port === 0) continue;
    const host = textOf(event["host"]) ?? defaultWebhook.host;
    const first = hosts.get(port);
    if (first === undefined) hosts.set(port, { host, id });
    else if (first.host !== host)
      report(
        [...at, "host"],
        `port ${port} listens at ${first.host} for "${first.id}"; write the same host, or another port`,
      );
    if (port === apiPort)
      report([...at, "port"], `port ${port} is that of the API (server.http); write another one`);
  }
}
