import { createManualClock } from "@agentcore/core/testing";
import { until } from "@agentcore/contract/testing";
import { silentLog, systemClock } from "@agentcore/contract";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openRig } from "../testing/rig.ts";
import { messageEvents, replies, streams } from "../testing/upstream.ts";
import { CredentialSource, type CredentialPorts } from "./credentials.ts";

const minute = 60_000;
type Config = ConstructorParameters<typeof CredentialSource>[1];

function sourceOf(config: Config, ports: Partial<CredentialPorts> = {}): CredentialSource {
  return new CredentialSource("anthropic", config, "anthropic-messages", {
    clock: systemClock,
    env: {},
    ...ports,
  });
}

it("reads a variable, and puts it into the header of the protocol or of the configuration", async () => {
  const env = { KEY: "k1" };
  expect(await sourceOf({ env: "KEY" }, { env }).current()).toEqual({ name: "x-api-key", value: "k1" });
  const bearer = { name: "authorization", value: "Bearer k1" };
  expect(await sourceOf({ env: "KEY", header: "authorization" }, { env }).current()).toEqual(bearer);
});

it("reads a file again when its time is over, or when the provider has refused what was read", async () => {
  const directory = await mkdtemp(join(tmpdir(), "agentcore-credential-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = join(directory, "key");
  const clock = createManualClock();
  const source = sourceOf({ file, refresh: minute }, { clock });
  await writeFile(file, "one\n");
  const first = await source.current();
  await writeFile(file, "two\n");
  expect(first.value).toBe("one");
  expect((await source.current()).value).toBe("one");
  clock.advance(minute);
  expect((await source.current()).value).toBe("two");
  await writeFile(file, "three\n");
  // An older one was refused: that says nothing about this one.
  source.refused(first);
  expect((await source.current()).value).toBe("two");
  source.refused({ name: "x-api-key", value: "two" });
  expect((await source.current()).value).toBe("three");
});

it("runs a command once at a time, however many requests need it", async () => {
  let runs = 0;
  const printed = Promise.withResolvers<string>();
  const runCommand = async () => {
    runs += 1;
    return await printed.promise;
  };
  const source = sourceOf({ command: "pass show key", refresh: minute }, { runCommand });
  const all = Array.from({ length: 50 }, () => source.current());
  printed.resolve("secret\n");
  expect(new Set((await Promise.all(all)).map(({ value }) => value))).toEqual(new Set(["secret"]));
  await source.current();
  expect(runs).toBe(1);
});

it("ends a command that hangs after 30 s, with one error for all that wait", async () => {
  const clock = createManualClock();
  let signal: AbortSignal | undefined;
  let runs = 0;
  const runCommand: CredentialPorts["runCommand"] = (_command, options) => {
    runs += 1;
    signal = options.signal;
    return new Promise(() => {});
  };
  const source = sourceOf({ command: "ask-a-person", refresh: minute }, { clock, runCommand });
  const errors = Promise.allSettled([source.current(), source.current()]);
  clock.advance(30_000);
  const messages = (await errors).map((each) =>
    each.status === "rejected" ? String(each.reason.message) : "",
  );
  expect(messages[0]).toBe(
    "providers.anthropic.credential: the credential cannot be read from the configured command: it took longer than 30 s",
  );
  expect(messages[1]).toBe(messages[0]);
  expect(signal?.aborted).toBe(true);
  // The retries of agents within the next seconds do not start it again.
  await expect(source.current()).rejects.toMatchObject({ code: "AC_CREDENTIAL_UNAVAILABLE" });
  expect(runs).toBe(1);
});

describe("one clear error, without the credential,", () => {
  const failing = () => Promise.reject(new Error("exit 1: half-a-secret"));
  it.each<[string, Config, Partial<CredentialPorts>, RegExp]>([
    ["for a variable that is not set", { env: "KEY" }, {}, /from the variable KEY: the variable is not set$/],
    [
      "for a file that is missing",
      { file: "/nowhere/key", refresh: 1 },
      {},
      /from the file \/nowhere\/key: ENOENT/,
    ],
    [
      "for a command that fails",
      { command: "x", refresh: 1 },
      { runCommand: failing },
      /it failed; run it in a terminal/,
    ],
    ["where no command can be run", { command: "x", refresh: 1 }, {}, /commands cannot be run here$/],
    ["for nothing", { command: "x", refresh: 1 }, { runCommand: async () => " \n" }, /it is empty$/],
    [
      "for several lines",
      { command: "x", refresh: 1 },
      { runCommand: async () => "half-a-secret\nb" },
      /not one line/,
    ],
  ])("%s", async (_name, config, ports, expected) => {
    const error: unknown = await sourceOf(config, ports)
      .current()
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "AC_CREDENTIAL_UNAVAILABLE",
      message: expect.stringMatching(expected),
    });
    expect(JSON.stringify([String(error), error])).not.toContain("half-a-secret");
  });
});

it("the gate refuses an attempt whose credential is missing", async () => {
  const rig = await openRig(streams([]), { providers: { anthropic: { credential: { env: "NO_KEY" } } } });
  await expect(rig.open()).rejects.toMatchObject({ code: "AC_CREDENTIAL_UNAVAILABLE" });
});

it("a request that the provider refuses with 401 is repeated once with the next credential", async () => {
  let key = "old";
  const rig = await openRig(
    (request, response) => {
      if (request.headers["x-api-key"] === "new") return streams(messageEvents(["ok"]))(request, response);
      key = "new";
      return replies(401, { type: "error" })(request, response);
    },
    {
      providers: { anthropic: { credential: { command: "print-key" } } },
      runCommand: async () => key,
      log: silentLog,
    },
  );
  const attempt = await rig.open();
  const response = await attempt.post();
  expect(response.status).toBe(200);
  await response.text();
  expect(rig.upstream.requests.map(({ headers }) => headers["x-api-key"])).toEqual(["old", "new"]);
  rig.upstream.answer = replies(401, { type: "error" });
  expect((await attempt.post()).status).toBe(401);
  expect(rig.upstream.requests).toHaveLength(3);
  expect(await attempt.calls()).toMatchObject([
    { outcome: "completed" },
    { outcome: "failed", status: 401, costMicroUsd: 0 },
  ]);
});

it("closing a meter does not wait for a command that hangs", async () => {
  let runs = 0;
  const rig = await openRig(streams([]), {
    providers: { anthropic: { credential: { command: "print-key", refresh: "0s" } } },
    runCommand: () => ((runs += 1) === 1 ? Promise.resolve("key") : new Promise(() => {})),
  });
  const attempt = await rig.open();
  const sent = attempt.post().catch(() => null);
  await until(() => runs === 2);
  expect(await attempt.meter.close()).toMatchObject({ costMicroUsd: 0, estimated: false });
  expect(await sent).toBeNull();
  expect(await attempt.calls()).toMatchObject([{ outcome: "cancelled", costMicroUsd: 0 }]);
});
