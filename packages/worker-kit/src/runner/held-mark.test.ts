import { mkdirSync, writeFileSync } from "node:fs";
import { uptime } from "node:os";
import { join } from "node:path";
import type { Containment } from "@agentcore/containment";
import { expect, it } from "vitest";
import { createFakeAgent } from "../testing/fake-agent.ts";
import { driveToEnd, machineContainment } from "../testing/drive.ts";
import { scriptedAdapter } from "../testing/scripted-adapter.ts";
import { makeTemporaryDirectory } from "../testing/temporary-directories.ts";
import { createAttemptDirectory } from "./attempt-directory.ts";
import { markHeld, neverBegan } from "./held-mark.ts";

const now = Date.now();
const claimed = (attempt: number, claimedAt = now) => ({ jobId: "job", attempt, claimedAt });

it("an attempt is proved never to have begun until its worker is let go", async () => {
  const attemptsDir = makeTemporaryDirectory("attempts");
  const machine = await machineContainment();
  const proved: Promise<boolean>[] = [];
  const look = () => proved.push(neverBegan(attemptsDir, claimed(1), now));
  const containment: Containment = {
    ...machine,
    start: async (command) => {
      look();
      await proved[0];
      const contained = await machine.start(command);
      const go = contained.go.bind(contained);
      contained.go = () => (look(), go());
      return contained;
    },
  };
  const { program } = createFakeAgent([
    { do: "print", stream: "stdout", lines: ['{"type":"result","ok":true}'] },
  ]);
  await driveToEnd({ adapter: scriptedAdapter, program, containment, attemptsDir, jobId: "job" });
  expect(await Promise.all(proved)).toEqual([true, false]);
  expect(await neverBegan(attemptsDir, claimed(1), now)).toBe(false);
});

it("is proved by the mark of this boot, in each directory of its number", async () => {
  const attemptsDir = makeTemporaryDirectory("attempts");
  const make = async (attempt: number, permitId: string) => {
    const made = createAttemptDirectory(attemptsDir, { jobId: "job", attempt, permitId }, null);
    markHeld(made.path);
    return made;
  };
  const first = await make(1, "p1");
  await make(1, "p2");
  await make(12, "p3");
  expect(await neverBegan(attemptsDir, claimed(1), now)).toBe(true);
  writeFileSync(join(first.path, "held"), "of another boot");
  expect(await neverBegan(attemptsDir, claimed(1), now)).toBe(false);
  expect(await neverBegan(attemptsDir, claimed(12), now)).toBe(true);
});

it("is proved by a missing directory where no power cut can have taken it away", async () => {
  const attemptsDir = makeTemporaryDirectory("attempts");
  const bootedAt = now - uptime() * 1000;
  expect(await neverBegan(attemptsDir, claimed(1), now)).toBe(true);
  expect(await neverBegan(attemptsDir, claimed(1, bootedAt - 1), now)).toBe(false);
  expect(await neverBegan(attemptsDir, claimed(1, now + 1), now)).toBe(false);
  expect(await neverBegan(join(attemptsDir, "gone"), claimed(1), now)).toBe(false);
});

it("is not proved by a directory that somebody else made", async () => {
  const attemptsDir = makeTemporaryDirectory("attempts");
  mkdirSync(join(attemptsDir, "job", "1", "held"), { recursive: true });
  expect(await neverBegan(attemptsDir, claimed(1), now)).toBe(false);
});
