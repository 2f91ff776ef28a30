/**
 * `claude gateway` of Claude Code, with a PostgreSQL of its own and a user that signs in once, as its protocol describes. Its
 * program has 400 MB, so it is not among the installed peers: `AGENTCORE_BENCH_CLAUDE` names it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { startPostgresOfPeers } from "../queue/pg-boss.ts";
import { startIdentityProvider } from "./identity-provider.ts";
import type { Listening } from "./messages.ts";

const [, , upstreamUrl = "", program = ""] = process.argv;
const directory = mkdtempSync(join(tmpdir(), "agentcore-bench-"));
const [port, identityPort, postgresPort] = await freePorts();
const base = `http://localhost:${port}`;
const postgres = await startPostgresOfPeers(join(directory, "postgres"), postgresPort);
startIdentityProvider(identityPort, "bench");

const settings = {
  listen: { host: "127.0.0.1", port, public_url: base },
  oidc: { issuer: `http://localhost:${identityPort}`, client_id: "bench", client_secret: "bench" },
  session: { jwt_secret: "of-the-benchmark-of-the-benchmark-0", ttl_hours: 1 },
  store: { postgres_url: `postgres://bench@127.0.0.1:${postgresPort}/postgres` },
  upstreams: [
    {
      provider: "anthropic",
      base_url: upstreamUrl.replace("127.0.0.1", "localhost"),
      auth: { api_key: "the-key-of-the-provider" },
    },
  ],
  // Spending is counted only where the admin API is on.
  admin: { read_keys: [{ id: "bench", key: "of-the-benchmark-of-the-benchmark-1" }] },
};
writeFileSync(join(directory, "gateway.yaml"), JSON.stringify(settings));
const gateway = spawn(program, ["gateway", "--config", join(directory, "gateway.yaml")], {
  env: {
    PATH: process.env["PATH"],
    HOME: directory,
    CLAUDE_GATEWAY_ALLOW_LOOPBACK: "1",
    BUN_CONFIG_MAX_HTTP_REQUESTS: "4096",
  },
  stdio: ["ignore", "ignore", "ignore"],
});
process.on("disconnect", () => void stop());
gateway.on("exit", () => void stop());
await untilItAnswers();
const token = await signIn();
process.send?.({ url: base, keys: [{ authorization: `Bearer ${token}` }] } satisfies Listening);

let stopping: Promise<void> | undefined;
function stop(): Promise<void> {
  stopping ??= (async () => {
    if (gateway.exitCode === null && gateway.signalCode === null) {
      gateway.kill("SIGKILL");
      await once(gateway, "exit");
    }
    await postgres.stop();
    rmSync(directory, { recursive: true, force: true });
    process.exit();
  })();
  return stopping;
}

async function untilItAnswers(): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  for (;;) {
    const isUp = await fetch(`${base}/protocol`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return;
    if (performance.now() > deadlineMs) throw new Error("claude gateway does not answer");
    await pause(100);
  }
}

/** The device flow of RFC 8628, with the answers of a browser. */
async function signIn(): Promise<string> {
  const cookies = new Map<string, string>();
  const send = async (path: string, form?: Readonly<Record<string, string>>): Promise<Response> => {
    const answer = await fetch(new URL(path, base), {
      redirect: "manual",
      headers: { cookie: [...cookies.values()].join("; "), origin: base },
      ...(form === undefined ? {} : { method: "POST", body: new URLSearchParams(form) }),
    });
    for (const cookie of answer.headers.getSetCookie()) {
      const pair = cookie.split(";")[0] ?? "";
      cookies.set(pair.split("=")[0] ?? "", pair);
    }
    return answer;
  };
  const grant = (await (await send("/oauth/device_authorization", {})).json()) as Record<string, string>;
  let page = await send("/device", { user_code: grant["user_code"] ?? "" });
  for (let to = page.headers.get("location"); to !== null; to = page.headers.get("location"))
    page = await send(to);
  const answer = await send("/oauth/token", {
    grant_type: "urn:ietf:params:oauth:grant-type:device_code",
    device_code: grant["device_code"] ?? "",
  });
  const { access_token: accessToken } = (await answer.json()) as { access_token?: string };
  if (accessToken === undefined) throw new Error("claude gateway gives no token");
  return accessToken;
}

async function freePorts(): Promise<[number, number, number]> {
  const servers = [createServer(), createServer(), createServer()] as const;
  const ports = await Promise.all(
    servers.map(async (server) => {
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      return (server.address() as AddressInfo).port;
    }),
  );
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports as [number, number, number];
}
