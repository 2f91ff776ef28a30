/**
 * The conformance suite of containment: hostile workers, every way for a run to end, and a count from outside of who is
 * left. A sealed implementation must leave nobody in any of it; a best-effort one must say the truth about what it left.
 *
 * Endings: `normal` (the worker exits by itself and leaves its children), `cancel` (stopped, dies of TERM), `timeout`
 * (stopped, ignores TERM), `supervisor-killed` (the process that started it gets KILL at a random moment).
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import type { ContainmentReceipt, Random } from "@agentcore/contract";
import type { ImplementationName } from "../port.ts";
import { hostileKinds } from "./hostile-worker.ts";
import { isReleased, makeHarnessCgroup, sightings, type HarnessCgroup, type Sighting } from "./outside.ts";
import type { SupervisorOrder } from "./supervisor.ts";

export const endings = ["normal", "cancel", "timeout", "supervisor-killed"] as const;
export type Ending = (typeof endings)[number];

export interface ConformanceCase {
  readonly implementation: ImplementationName;
  /** Whom to run as; null: as we are. Another one only as root. */
  readonly uid: number | null;
  readonly ending: Ending;
  readonly runs: number;
  /** Which of the hostile worker's children; default all. */
  readonly kinds?: string;
}

export interface ConformanceResult extends ConformanceCase {
  /** Runs whose worker was really there, with children, when the end came. */
  readonly runsAtLarge: number;
  /** Runs of which the worker, or something it started, was alive when nothing may be any more. */
  readonly runsWithSurvivors: number;
  /** Processes alive then, over all runs. */
  readonly survivors: number;
  /** Boxes left by a killed supervisor that never got to hold a payload. */
  readonly stubs: number;
  /** Processes still alive after a start-up sweep; null where none was needed. */
  readonly leftAfterSweep: number | null;
  /** Receipts that claimed more or fewer survivors than were seen from outside. */
  readonly untrueReceipts: number;
  /** From the first signal, the worker's exit, or the supervisor's death, until empty; ms, ascending, one per run. */
  readonly emptyAfterMs: readonly number[];
  readonly countedBy: "cgroup and arguments" | "arguments";
}

/** Longest that a box may take to fall after its supervisor has been killed. */
const sealedWithinMs = 2_000;
/** What a best-effort run has left by then, it has left. */
const bestEffortAfterMs = 100;
const killWithinMs = 60;

/** Runs one case. Throws only if the harness itself fails, for example when the implementation cannot be opened. */
export async function runCase(which: ConformanceCase, random: Random): Promise<ConformanceResult> {
  const stateDir = mkdtempSync(path.join(tmpdir(), "agentcore-conformance-"));
  chmodSync(stateDir, 0o777);
  const bench = new Bench(which, stateDir, random);
  try {
    if (which.ending === "supervisor-killed") await bench.killSupervisors();
    else await bench.endRuns(which.ending);
    return bench.result();
  } finally {
    await bench.cleanUp();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

let benches = 0;

class Bench {
  readonly #which: ConformanceCase;
  readonly #stateDir: string;
  readonly #random: Random;
  readonly #number: number;
  readonly #name: string;
  readonly #tokens: string[] = [];
  readonly #cgroups: HarnessCgroup[] = [];
  readonly #supervisors: Supervisor[] = [];
  readonly #emptyAfterMs: number[] = [];
  #runsAtLarge = 0;
  #runsWithSurvivors = 0;
  #survivors = 0;
  #stubs = 0;
  #leftAfterSweep: number | null = null;
  #untrueReceipts = 0;
  #isCounting = false;

  constructor(which: ConformanceCase, stateDir: string, random: Random) {
    this.#which = which;
    this.#stateDir = stateDir;
    this.#random = random;
    benches += 1;
    this.#number = benches;
    this.#name = `agentcore-conformance-${process.pid}-${benches}`;
  }

  /** The suite ends each run through its supervisor and compares the receipt with what is there. */
  async endRuns(ending: "normal" | "cancel" | "timeout"): Promise<void> {
    const supervisor = await this.#startSupervisor();
    for (let run = 0; run < this.#which.runs; run += 1) {
      const token = this.#newToken();
      const holdMs = Math.floor(this.#random.next() * 40);
      const answer = await supervisor.ask({ do: "run", token, kinds: this.#kinds, ending, holdMs });
      const receipt = (answer as { receipt: ContainmentReceipt }).receipt;
      const left = this.#lookThrice(supervisor.cgroup, token).filter((seen) => seen.pid !== supervisor.pid);
      this.#count(left.length);
      if (receipt.survivors !== left.length) this.#untrueReceipts += 1;
      if ((receipt.processesSeen ?? 0) > 1) this.#runsAtLarge += 1;
      this.#emptyAfterMs.push(receipt.emptyAfterMs ?? Number.POSITIVE_INFINITY);
      if (left.length > 0) await this.#kill(supervisor.cgroup, token);
    }
    await supervisor.end();
  }

  /** The suite kills each supervisor at a moment of its own choosing, then lets the next one sweep. */
  async killSupervisors(): Promise<void> {
    let sweeper: Supervisor | undefined;
    let next = this.#startSupervisor();
    for (let run = 0; run < this.#which.runs; run += 1) {
      const supervisor = await next;
      if (run + 1 < this.#which.runs) next = this.#startSupervisor();
      const token = this.#newToken();
      const killAfterMs = this.#random.next() * killWithinMs;
      supervisor.tell({ do: "start", token, kinds: this.#kinds });
      await sleep(killAfterMs);
      if (await this.#killOne(supervisor, token)) {
        sweeper ??= await this.#startSupervisor();
        await sweeper.ask({ do: "sweep" });
        const left = this.#lookThrice(supervisor.cgroup, token);
        this.#leftAfterSweep = (this.#leftAfterSweep ?? 0) + left.length;
        if (left.length > 0) await this.#kill(supervisor.cgroup, token);
      }
    }
    await sweeper?.end();
  }

  /** Whether anything is left. */
  async #killOne(supervisor: Supervisor, token: string): Promise<boolean> {
    const startedMs = performance.now();
    supervisor.kill();
    const withinMs = this.#which.implementation === "process-group" ? bestEffortAfterMs : sealedWithinMs;
    if (this.#look(supervisor.cgroup, token).some(isReleased)) this.#runsAtLarge += 1;
    while (this.#isPopulated(supervisor, token) && performance.now() - startedMs < withinMs) {
      await sleep(1);
    }
    const tookMs = performance.now() - startedMs;
    await supervisor.gone;
    const seen = this.#lookThrice(supervisor.cgroup, token);
    const released = seen.filter(isReleased).length;
    this.#count(released);
    if (seen.length > released) this.#stubs += 1;
    if (seen.length === 0) this.#emptyAfterMs.push(tookMs);
    return seen.length > 0;
  }

  /** Whether anybody is there, in one atomic look where the kernel has one. */
  #isPopulated(supervisor: Supervisor, token: string): boolean {
    return (
      supervisor.cgroup?.isPopulated() ?? this.#look(null, token).some(({ pid }) => pid !== supervisor.pid)
    );
  }

  result(): ConformanceResult {
    return {
      ...this.#which,
      runsAtLarge: this.#runsAtLarge,
      runsWithSurvivors: this.#runsWithSurvivors,
      survivors: this.#survivors,
      stubs: this.#stubs,
      leftAfterSweep: this.#leftAfterSweep,
      untrueReceipts: this.#untrueReceipts,
      emptyAfterMs: this.#emptyAfterMs.toSorted((a, b) => a - b),
      countedBy: this.#isCounting ? "cgroup and arguments" : "arguments",
    };
  }

  /** Leaves nothing of this case on the machine, also not what a best-effort run lost. */
  async cleanUp(): Promise<void> {
    // Those that a failure has left; the others are gone.
    for (const supervisor of this.#supervisors) supervisor.kill();
    if (!this.#isCounting) for (const token of this.#tokens) await this.#kill(null, token);
    await Promise.all(this.#cgroups.map((cgroup) => cgroup.destroy()));
  }

  get #kinds(): string {
    return this.#which.kinds ?? hostileKinds;
  }

  #newToken(): string {
    const digits = [this.#number, this.#tokens.length].map((each) => String(each).padStart(5, "0"));
    const token = `${process.pid}${digits.join("")}`;
    this.#tokens.push(token);
    return token;
  }

  /** Everybody with the token, and everybody in the harness cgroup who is not of an earlier run. */
  #look(cgroup: HarnessCgroup | null, token: string): Sighting[] {
    const seen = new Map(sightings(token).map((each) => [each.pid, each]));
    const earlier = this.#tokens.filter((each) => each !== token);
    for (const each of cgroup?.sightings() ?? []) {
      const isEarlier = each.args.some((argument) => earlier.some((other) => argument.includes(other)));
      if (!isEarlier) seen.set(each.pid, each);
    }
    return [...seen.values()];
  }

  /** A single look may miss whoever is replacing itself at that moment. */
  #lookThrice(cgroup: HarnessCgroup | null, token: string): Sighting[] {
    const looks = [1, 2, 3].map(() => this.#look(cgroup, token));
    return looks.toSorted((a, b) => b.length - a.length)[0] ?? [];
  }

  #count(survivors: number): void {
    this.#survivors += survivors;
    if (survivors > 0) this.#runsWithSurvivors += 1;
  }

  /** Kills what a best-effort run has lost. The hopper stands still only where the harness can freeze it. */
  async #kill(cgroup: HarnessCgroup | null, token: string): Promise<void> {
    cgroup?.freeze(true);
    for (let round = 0; round < 100 && sightings(token).length > 0; round += 1) {
      for (const { pid } of sightings(token)) killNow(pid);
      await sleep(1);
    }
    cgroup?.freeze(false);
  }

  async #startSupervisor(): Promise<Supervisor> {
    const cgroup = makeHarnessCgroup(`${this.#name}-${this.#cgroups.length}`);
    if (cgroup !== null) {
      this.#isCounting = true;
      this.#cgroups.push(cgroup);
    }
    const supervisor = await Supervisor.start({ which: this.#which, stateDir: this.#stateDir, cgroup });
    this.#supervisors.push(supervisor);
    return supervisor;
  }
}

function killNow(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

const compileCaches = new Map<number | null, string>();

/**
 * One for all supervisors of a user, since starting them is most of the time that the suite takes. A new directory, because
 * Node runs what it finds there, and a name that is known before could be made by another user first.
 */
function compileCache(uid: number | null): string {
  const made = compileCaches.get(uid);
  if (made !== undefined) return made;
  const directory = mkdtempSync(path.join(tmpdir(), "agentcore-conformance-cache-"));
  if (uid !== null) chownSync(directory, uid, uid);
  compileCaches.set(uid, directory);
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

interface SupervisorOptions {
  readonly which: ConformanceCase;
  readonly stateDir: string;
  readonly cgroup: HarnessCgroup | null;
}

/** One supervising process, in a cgroup of its own where that is possible. */
class Supervisor {
  readonly pid: number;
  readonly cgroup: HarnessCgroup | null;
  readonly gone: Promise<unknown>;
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  private constructor(child: ChildProcess, cgroup: HarnessCgroup | null) {
    this.#child = child;
    this.cgroup = cgroup;
    this.pid = child.pid as number;
    this.gone = once(child, "exit");
    this.#answers = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  }

  static async start({ which, stateDir, cgroup }: SupervisorOptions): Promise<Supervisor> {
    const isSource = import.meta.url.endsWith(".ts");
    const program = fileURLToPath(new URL(`./supervisor.${isSource ? "ts" : "js"}`, import.meta.url));
    const node = [process.execPath, ...(isSource ? ["--conditions=@agentcore/source"] : []), program];
    const user =
      which.uid === null ? [] : ["setpriv", `--reuid=${which.uid}`, `--regid=${which.uid}`, "--clear-groups"];
    const enter = 'if [ -n "$1" ]; then echo $$ >"$1/cgroup.procs"; fi; shift; exec "$@"';
    const child = spawn(
      "/bin/sh",
      ["-c", enter, "sh", cgroup?.directory ?? "", ...user, ...node, which.implementation, stateDir],
      {
        stdio: ["pipe", "pipe", "inherit"],
        env: { ...process.env, NODE_COMPILE_CACHE: compileCache(which.uid) },
      },
    );
    child.stdin.on("error", () => undefined);
    const supervisor = new Supervisor(child, cgroup);
    await supervisor.#answer();
    return supervisor;
  }

  tell(order: SupervisorOrder): void {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  async ask(order: SupervisorOrder): Promise<unknown> {
    this.tell(order);
    return this.#answer();
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async end(): Promise<void> {
    this.#child.stdin?.end();
    await this.gone;
  }

  async #answer(): Promise<unknown> {
    const next = await this.#answers.next();
    if (next.done === true) throw new Error("the supervisor ended without an answer; see its stderr above");
    return JSON.parse(next.value);
  }
}
