/** The sources of a daemon over reloads that fail. */
import { silentLog } from "@agentcore/contract";
import { until } from "@agentcore/contract/testing";
import type { OpenedContainment } from "@agentcore/containment";
import type { DaemonDefinition, EventSource, SourceHost } from "@agentcore/triggers";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { deliver } from "../testing/daemon-process.ts";
import { OpenSources } from "./open-sources.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const webhook = (port: number): EventSource => ({
  type: "webhook",
  path: "/hook",
  port,
  host: "127.0.0.1",
  method: "POST",
  secret: null,
});
const definitionOf = (sources: Readonly<Record<string, EventSource>>): Pick<DaemonDefinition, "sources"> => ({
  sources: new Map(Object.entries(sources)),
});

async function occupy(port = 0): Promise<{ port: number; free: () => Promise<unknown> }> {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  const free = () => new Promise((resolve) => server.close(resolve));
  closers.push(free);
  return { port: (server.address() as AddressInfo).port, free };
}

it("a source that cannot be opened again after a failed reload is said, the others are open, and the next reload opens it", async () => {
  const held = Promise.withResolvers<void>();
  let isHeld = false;
  const accept = async () => {
    isHeld = true;
    await held.promise;
    return "accepted" as const;
  };
  const host = { accept, stateOf: () => undefined } as unknown as SourceHost;
  const errors: string[] = [];
  const log = { ...silentLog, error: (_fields: object, message: string) => void errors.push(message) };
  const containment = {} as OpenedContainment;
  const sources = new OpenSources({ host, containment, workspace: "/", stateDir: "/none", env: {}, log });
  closers.push(() => sources.close());
  const own = await occupy();
  await own.free();
  const taken = await occupy();
  const topic = (name: string): EventSource => ({ type: "queue", topic: name });
  const old = definitionOf({ hook: webhook(own.port), topic: topic("old") });
  await sources.replace(old);
  // The port is free from the beginning of the close on, and the close waits for this delivery.
  const delivered = deliver(own.port, {});
  await until(() => isHeld);
  const replaced = sources.replace(definitionOf({ hook: webhook(taken.port), topic: topic("new") }));
  replaced.catch(() => {});
  const squatters: { free: () => Promise<unknown> }[] = [];
  await until(async () => {
    squatters.push(
      ...(await occupy(own.port).then(
        (one) => [one],
        () => [],
      )),
    );
    return squatters.length > 0;
  });
  held.resolve();
  await expect(replaced).rejects.toThrow(`127.0.0.1:${taken.port}`);
  expect(await delivered).toBe(202);
  expect(errors).toEqual([expect.stringContaining("could not be opened again")]);
  expect(sources.topics()).toBeDefined();
  await squatters[0]!.free();
  await sources.replace(old);
  expect(await deliver(own.port, {})).toBe(202);
});

it("nothing is opened once the sources are closed", async () => {
  const sources = new OpenSources({
    host: {} as SourceHost,
    containment: {} as OpenedContainment,
    workspace: "/",
    stateDir: "/none",
    env: {},
    log: silentLog,
  });
  await sources.close();
  await expect(sources.replace(definitionOf({ hook: webhook(0) }))).rejects.toMatchObject({
    code: "AC_DRAINING",
  });
  expect(() => sources.topics()).toThrow("shutting down");
});
