/**
 * The spend gate between agents and their provider: what it adds to a request, what it leaves of the rate of streams, and what it
 * costs. Beside a direct connection and a proxy that counts nothing, in turns in the same run. The provider, the agents and each
 * contender have processes of their own.
 */
import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { ClientReport, Listening, Load, Measured, Script } from "./gate/messages.ts";
import { usageOf } from "./process-usage.ts";
import { syncsPerSecond } from "./sync-floor.ts";
import { median, quantile, type Report } from "./report.ts";

export interface GateBenchOptions {
  /** Streams at once. Default 50. */
  readonly streams?: number;
  /** Requests of a round. Default 200. */
  readonly requests?: number;
  /** Default 5. */
  readonly rounds?: number;
  /** Streams whose memory is measured. Default 500. */
  readonly held?: number;
}

/** As a model writes: 20 events a second, each of some tokens. */
const paced: Script = { events: 40, gapMs: 50, isHeld: false };
const flood: Script = { events: 500, gapMs: 0, isHeld: false };
const held: Script = { events: 1, gapMs: 0, isHeld: true };
const short: Script = { events: 1, gapMs: 0, isHeld: false };

interface Contender {
  readonly name: string;
  readonly child: ChildProcess;
  readonly listening: Listening;
  readonly rounds: { readonly paced: Round[]; readonly flood: Round[] };
  heldKb: number;
}

interface Round {
  readonly measured: Measured;
  /** For each request. */
  readonly cpuMs: number;
}

export async function benchGate(report: Report, options: GateBenchOptions = {}): Promise<void> {
  const { streams = 50, requests = 200, rounds = 5, held: heldStreams = 500 } = options;
  const seed = Number(process.env.AGENTCORE_SEED ?? 1 + Math.floor(Math.random() * 2 ** 31));
  reportLoad(report, "at the start");
  report({ name: "seed", value: seed, unit: "", note: `AGENTCORE_SEED=${seed} repeats it` });
  report({ name: "versions", value: Number.NaN, unit: "", note: versions() });
  const place = await GatePlace.start();
  try {
    const load = { requests, streams, spreadMs: paced.events * paced.gapMs, pauseMs: 100, seed };
    for (const one of place.contenders) await place.run(one, paced, { ...load, requests: streams * 2 });
    for (const one of place.contenders) await place.hold(one, { ...load, spreadMs: 0, streams: heldStreams });
    for (let round = 0; round < rounds; round += 1) {
      for (const one of place.contenders) {
        const roundLoad = { ...load, seed: seed + round };
        one.rounds.paced.push(await place.run(one, paced, roundLoad));
        one.rounds.flood.push(
          await place.run(one, flood, { ...roundLoad, spreadMs: 0, pauseMs: 0, requests: streams * 2 }),
        );
      }
    }
    if (process.env.AGENTCORE_BENCH_CLAUDE === undefined)
      report({
        name: "claude gateway",
        value: Number.NaN,
        unit: "",
        note: "not measured: AGENTCORE_BENCH_CLAUDE names no program of Claude Code",
      });
    report({
      name: "floor: 4 KiB written and synced, one after another",
      value: 1000 / syncsPerSecond(),
      unit: "ms",
      note: "a call of the spend gate waits for one before its request, and for one before its end",
    });
    reportAll(report, place.contenders, { streams, rounds, requests, held: heldStreams });
  } finally {
    place.stop();
  }
  reportLoad(report, "at the end");
}

function reportLoad(report: Report, when: string): void {
  report({ name: `load average ${when}`, value: loadavg()[0] ?? Number.NaN, unit: "" });
}

function versions(): string {
  const peers = readFileSync(new URL("../peers/package.json", import.meta.url), "utf8");
  const { dependencies } = JSON.parse(peers) as { dependencies: Record<string, string> };
  const claude = process.env.AGENTCORE_BENCH_CLAUDE;
  const said =
    claude === undefined ? "not installed" : spawnSync(claude, ["--version"], { encoding: "utf8" }).stdout;
  return `Node ${process.version}, http-proxy-3 ${dependencies["http-proxy-3"]}, Claude Code ${said?.trim()}`;
}

class GatePlace {
  readonly contenders: Contender[] = [];
  readonly #upstream: ChildProcess;
  readonly #client: ChildProcess;

  private constructor(upstream: ChildProcess, client: ChildProcess) {
    this.#upstream = upstream;
    this.#client = client;
  }

  static async start(): Promise<GatePlace> {
    const upstream = start("upstream");
    const place = new GatePlace(upstream, start("client"));
    try {
      const direct = await listening(upstream);
      place.#add("direct", upstream, direct);
      const claude = process.env.AGENTCORE_BENCH_CLAUDE;
      for (const [name, program, ...args] of [
        ["bare proxy", "bare"],
        ["bare proxy with a journal", "bare", "journal"],
        ["spend gate", "spend-gate"],
        ["http-proxy-3", "http-proxy"],
        ...(claude === undefined ? [] : ([["claude gateway", "claude-gateway", claude]] as const)),
      ] as const) {
        const child = start(program, direct.url, ...args);
        place.#add(name, child, await listening(child));
      }
      return place;
    } catch (error) {
      place.stop();
      throw error;
    }
  }

  #add(name: string, child: ChildProcess, at: Listening): void {
    this.contenders.push({
      name,
      child,
      listening: at,
      rounds: { paced: [], flood: [] },
      heldKb: Number.NaN,
    });
  }

  async run(one: Contender, script: Script, load: Omit<Load, "url" | "keys">): Promise<Round> {
    await this.#play(script);
    const before = usageOf(one.child.pid ?? -1).cpuMs;
    const done = this.#report("done");
    this.#client.send({ ...load, ...one.listening } satisfies Load);
    const { measured } = await done;
    const cpuMs = (usageOf(one.child.pid ?? -1).cpuMs - before) / load.requests;
    return { measured, cpuMs };
  }

  /** Measures the memory of streams that have begun and do not go on. */
  async hold(one: Contender, load: Omit<Load, "url" | "keys">): Promise<void> {
    await this.#play(held);
    const before = usageOf(one.child.pid ?? -1).pssMb;
    const begun = this.#report("begun");
    this.#client.send({ ...load, ...one.listening, requests: load.streams } satisfies Load);
    await begun;
    one.heldKb = ((usageOf(one.child.pid ?? -1).pssMb - before) * 1024) / load.streams;
    const done = this.#report("done");
    await this.#play(short);
    await done;
  }

  stop(): void {
    for (const child of [this.#client, this.#upstream, ...this.contenders.map((one) => one.child)])
      if (child.connected) child.disconnect();
  }

  async #play(script: Script): Promise<void> {
    const changed = once(this.#upstream, "message");
    this.#upstream.send(script);
    await changed;
  }

  /** Rejects if a request failed, or the process ended. */
  #report<K extends "begun" | "done">(kind: K): Promise<Extract<ClientReport, { kind: K }>> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        this.#client.off("message", onReport).off("exit", onExit);
        act();
      };
      const onExit = (): void => settle(() => reject(new Error("the process of the client ended")));
      const onReport = (report: ClientReport): void => {
        if (report.kind === "failed") settle(() => reject(new Error(report.message)));
        else if (report.kind === kind) settle(() => resolve(report as Extract<ClientReport, { kind: K }>));
      };
      this.#client.on("message", onReport).on("exit", onExit);
    });
  }
}

function start(program: string, ...args: readonly string[]): ChildProcess {
  const file = fileURLToPath(new URL(`gate/${program}-main${extname(import.meta.url)}`, import.meta.url));
  return fork(file, args);
}

async function listening(child: ChildProcess): Promise<Listening> {
  const ended = once(child, "exit").then(([code]): never => {
    throw new Error(`${child.spawnargs[1]} ended with ${String(code)}`);
  });
  ended.catch(() => {});
  const [said] = await Promise.race([once(child, "message"), ended]);
  return said as Listening;
}

interface Sizes {
  readonly streams: number;
  readonly requests: number;
  readonly rounds: number;
  readonly held: number;
}

type Times = "firstByte" | "ending" | "events";

function reportAll(report: Report, contenders: readonly Contender[], sizes: Sizes): void {
  const [direct, ...proxies] = contenders as [Contender, ...Contender[]];
  const { streams, requests, rounds } = sizes;
  for (const one of proxies) {
    const isOurs = one.name === "spend gate";
    const added = (what: string, times: Times, q: number, aim = ""): void => {
      const [through, without] = [at(one, times, q), at(direct, times, q)];
      const note = `${through.toFixed(2)} through it, ${without.toFixed(2)} direct`;
      report({
        name: `${one.name}: added ${what}, p${q * 100}`,
        value: through - without,
        unit: "ms",
        note: isOurs ? aim + note : note,
      });
    };
    added("until the first byte", "firstByte", 0.5, "aim: under 1; ");
    added("until the first byte", "firstByte", 0.99);
    added("to the event that ends a message", "ending", 0.5);
    added("to the event that ends a message", "ending", 0.99);
    added("to an event", "events", 0.5);
    added("to an event", "events", 0.99);
    for (const [kind, what] of [
      ["paced", `${streams} streams of 20 events a second`],
      ["flood", `${streams} streams without a pause`],
    ] as const)
      report({
        name: `${one.name}: ${what}`,
        value: rate(one, kind) / rate(direct, kind),
        unit: "of direct",
        note: `${isOurs ? "aim: at least 0.9; " : ""}${rate(one, kind).toFixed(1)} streams/s, ${rate(direct, kind).toFixed(1)} direct`,
      });
    report({
      name: `${one.name}: memory of an open stream`,
      value: one.heldKb,
      unit: "kB",
      note: `pss, ${sizes.held} open`,
    });
    report({
      name: `${one.name}: processor time of a request`,
      value: median(one.rounds.paced.map(({ cpuMs }) => cpuMs)),
      unit: "ms",
      note: `with ${paced.events} events; ${requests} requests in each of ${rounds} rounds`,
    });
  }
}

/** Median over the rounds of a quantile. */
function at(one: Contender, times: Times, q: number): number {
  return median(
    one.rounds.paced.map(({ measured }) =>
      quantile(
        measured[times].toSorted((a, b) => a - b),
        q,
      ),
    ),
  );
}

/** Streams a second, median over the rounds. */
function rate({ rounds }: Contender, kind: "paced" | "flood"): number {
  return median(rounds[kind].map(({ measured }) => (measured.ending.length * 1000) / measured.elapsedMs));
}
