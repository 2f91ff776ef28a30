/** What a real daemon tells systemd, received at a real socket; and the unit that goes with it. */
import { until } from "@agentcore/contract/testing";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
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

/** Prints each datagram as a line of JSON. */
const receiver = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print(json.dumps("bound"), flush=True)
while True: print(json.dumps(s.recv(4096).decode()), flush=True)
`;

it("systemd hears that the daemon is ready, alive, reloading and stopping, in this order", async () => {
  const socket = join(scratch.root, "notify");
  const python = spawn("python3", ["-c", receiver, socket], { stdio: ["ignore", "pipe", "inherit"] });
  scratch.running.add(python);
  let printed = "";
  python.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const messages = (): string[] =>
    printed
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as string);
  const said = (state: string): number => messages().findIndex((text) => text.split("\n").includes(state));
  await until(() => messages().includes("bound"));

  const daemon = await startDaemon(scratch, [], { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "1000000" });
  await until(() => said("READY=1") >= 0 && said("WATCHDOG=1") >= 0);
  expect(messages()[said("READY=1")]).toContain(`MAINPID=${daemon.child.pid}`);
  expect(said("RELOADING=1")).toBe(-1);
  daemon.child.kill("SIGHUP");
  const readyAgain = (): number => messages().findLastIndex((text) => text.includes("\nREADY=1"));
  await until(() => said("RELOADING=1") >= 0 && readyAgain() > said("RELOADING=1"));
  expect(messages()[said("RELOADING=1")]).toMatch(/^MONOTONIC_USEC=\d+$/m);
  expect(said("STOPPING=1")).toBe(-1);
  await daemon.kill("SIGTERM");
  expect((await daemon.finished).code).toBe(0);
  await until(() => said("STOPPING=1") > readyAgain());
  const ended = once(python, "exit");
  python.kill();
  await ended;
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
