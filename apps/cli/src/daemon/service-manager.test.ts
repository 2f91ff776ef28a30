/** What a real daemon tells systemd, and the unit that goes with it. */
import { until } from "@agentcore/contract/testing";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { makeScratch, type Scratch } from "../testing/agentcore-process.ts";
import { startDaemon, writeDaemonFile, writeFlow } from "../testing/daemon-process.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
  writeFlow(scratch, "true");
  writeDaemonFile(
    scratch,
    "events: { e: { type: interval, every: 1h } }\ntriggers: { t: { on: e, workflow: flow.yaml } }\n",
  );
});
afterEach(() => scratch.remove());

/** In place of the program of systemd, which not every machine has: writes its arguments where the socket would be. */
function fakeNotify(): Record<string, string> {
  const bin = join(scratch.root, "bin");
  mkdirSync(bin);
  const program = join(bin, "systemd-notify");
  writeFileSync(program, `#!/bin/sh\nprintf '%s\\n' "$*" >> "$NOTIFY_SOCKET"\n`, { mode: 0o755 });
  return {
    NOTIFY_SOCKET: join(scratch.root, "notify"),
    WATCHDOG_USEC: "1000000",
    PATH: `${bin}:${process.env["PATH"]}`,
  };
}

it("systemd hears that the daemon is ready, alive, reloading and stopping, in this order", async () => {
  const env = fakeNotify();
  const messages = (): readonly string[] => {
    try {
      return readFileSync(env["NOTIFY_SOCKET"]!, "utf8").split("\n").slice(0, -1);
    } catch {
      return [];
    }
  };
  const said = (state: string): number => messages().findIndex((text) => text.split(" ").includes(state));
  const daemon = await startDaemon(scratch, [], env);
  await until(() => said("READY=1") >= 0 && said("WATCHDOG=1") >= 0);
  expect(messages()[said("READY=1")]).toContain(`--pid=${daemon.child.pid}`);
  expect(said("RELOADING=1")).toBe(-1);
  daemon.child.kill("SIGHUP");
  const readyAgain = (): number => messages().findLastIndex((text) => text.includes(" READY=1"));
  await until(() => said("RELOADING=1") >= 0 && readyAgain() > said("RELOADING=1"));
  expect(messages()[said("RELOADING=1")]).toMatch(/ MONOTONIC_USEC=\d+$/);
  expect(said("STOPPING=1")).toBe(-1);
  await daemon.kill("SIGTERM");
  expect((await daemon.finished).code).toBe(0);
  expect(said("STOPPING=1")).toBeGreaterThan(readyAgain());
});

it("a daemon that cannot tell systemd says so, and works", async () => {
  const daemon = await startDaemon(scratch, [], { NOTIFY_SOCKET: join(scratch.root, "nobody") });
  await daemon.saw("the service manager could not be told");
  await daemon.kill("SIGTERM");
  expect((await daemon.finished).code).toBe(0);
});

it("the unit sets nothing that covers a part of /proc: the kernel then refuses the sealed boxes of workers", () => {
  const unit = readFileSync(
    new URL("../../../../examples/daemon/agentcored.service", import.meta.url),
    "utf8",
  );
  const set = unit.split("\n").flatMap((line) => /^(\w+)=/.exec(line)?.[1] ?? []);
  expect(set).toContain("ProtectSystem");
  const covers = [
    "ProtectKernelTunables",
    "ProtectKernelLogs",
    "ProtectHostname",
    "ProtectProc",
    "ProcSubset",
  ];
  expect(
    set.filter((name) => [...covers, "RestrictNamespaces", "ProtectControlGroups"].includes(name)),
  ).toEqual([]);
});
