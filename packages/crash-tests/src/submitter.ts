/**
 * Hands in jobs beside the schedulers and keeps its own log of what it was told: an acknowledgement is a promise that the
 * checks hold the system to. Most go in through the library; some through `agentcore submit`, which is killed half of the
 * times and then asked again with the same ids, because it cannot be known whether the first call was heard.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { ignore, silentLog, systemClock, systemIds } from "@agentcore/contract";
import { QueueClient, type JobEnd, type JobStore } from "@agentcore/scheduler";
import type { Draws } from "./draws.ts";
import type { PlannedJob } from "./job-plan.ts";
import type { Rig } from "./rig.ts";

export interface Acknowledged {
  readonly submittedId: string;
  /** Of the job that will run: another one's where the key was held. */
  readonly jobId: string;
}

export class Submitter {
  readonly acknowledged: Acknowledged[] = [];
  /** Ids that were refused: no such job may ever run. */
  readonly refused: string[] = [];
  /** What callers that waited were answered; null where the wait was given up. */
  readonly answers: Promise<{ readonly jobId: string; readonly end: JobEnd }>[] = [];
  readonly #rig: Rig;
  readonly #client: QueueClient;
  readonly #draws: Draws;

  constructor(rig: Rig, store: JobStore, draws: Draws) {
    this.#rig = rig;
    this.#draws = draws;
    this.#client = new QueueClient({ store, clock: systemClock, ids: systemIds, log: silentLog });
  }

  /** In one transaction. */
  async submit(jobs: readonly PlannedJob[]): Promise<void> {
    const outcomes = await this.#client.submitAll(jobs);
    for (const [index, outcome] of outcomes.entries()) {
      const submittedId = jobs[index]?.id ?? "";
      if (!outcome.ok) {
        this.#refuse(submittedId, outcome.error.code);
        continue;
      }
      const { id: jobId } = outcome.handle;
      this.acknowledged.push({ submittedId, jobId });
      const answer = outcome.handle.result().then((end) => ({ jobId, end }));
      // A test that fails closes the client before all are answered; its own error is the one to see.
      answer.catch((error: unknown) => ignore(error, "nobody waits for it any more"));
      this.answers.push(answer);
    }
  }

  async submitByCommand(jobs: readonly PlannedJob[]): Promise<void> {
    const input = jobs.map((job) => `${JSON.stringify(job)}\n`).join("");
    const killAfterMs = this.#draws.chance(0.5) ? this.#draws.whole(0, 600) : null;
    if (killAfterMs !== null) await this.#command(input, killAfterMs);
    const lines = await this.#command(input, null);
    for (const [index, line] of lines.entries()) {
      const submittedId = jobs[index]?.id ?? "";
      const said = JSON.parse(line) as {
        readonly type: string;
        readonly id?: string;
        readonly code?: string;
      };
      if (said.type === "submitted") this.acknowledged.push({ submittedId, jobId: said.id ?? "" });
      else this.#refuse(submittedId, said.code ?? "");
    }
  }

  close(): void {
    this.#client.closeClient();
  }

  #refuse(id: string, code: string): void {
    if (code !== "AC_KEY_HELD") throw new RangeError(`job ${id} was refused with ${code}`);
    this.refused.push(id);
  }

  /** The lines of its stdout; of a killed one they count for nothing. */
  async #command(input: string, killAfterMs: number | null): Promise<string[]> {
    const { program, stateDir, configPath, root, env } = this.#rig;
    const args = ["submit", "--file", "-", "--json", "--state-dir", stateDir, "--config", configPath];
    const child = spawn(process.execPath, [program, ...args], { cwd: root, env });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const closed = once(child, "close");
    child.stdin.on("error", () => undefined).end(input);
    if (killAfterMs !== null) {
      await pause(killAfterMs);
      child.kill("SIGKILL");
    }
    await closed;
    const lines = stdout.split("\n").filter((line) => line !== "");
    if (killAfterMs === null && lines.length === 0) throw new RangeError(`submit said nothing: ${stderr}`);
    return lines;
  }
}
