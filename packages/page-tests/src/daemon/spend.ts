/** A run through the spend gate, seen while it works: on the page, in `agentcore top`, in the budgets, and at its end. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startModelServer, type ModelServer } from "@agentcore/model-server";
import type { Page } from "playwright-core";
import { meteredWorkerConfig, meteredWorkerFiles, providerKey } from "./metered-worker.ts";
import { agentcore, badge, until, type DaemonCheck, type Rig, type RigOptions } from "./rig.ts";

/** Where answers of the model wait: in the first byte or the middle of a request, by its number from 1. */
type Place = `${number} start` | `${number} middle`;

/** The answers that wait, and those that may go on. */
class Valves {
  readonly #closed = new Map<Place, PromiseWithResolvers<void>>();
  #requests = 0;

  constructor(places: readonly Place[]) {
    for (const place of places) this.#closed.set(place, Promise.withResolvers());
  }

  readonly hold = async (_request: unknown, at: "start" | "middle"): Promise<void> => {
    if (at === "start") this.#requests += 1;
    await this.#closed.get(`${this.#requests} ${at}`)?.promise;
  };

  open(place: Place): void {
    this.#closed.get(place)?.resolve();
  }
}

/** The last of the same requests, which is the seventh of them. */
const lastRequest = 8;
const usage = { inputTokens: 10_000, cachedInputTokens: 0, outputTokens: 1000 };

const valves = new Valves(["1 start", "1 middle", `${lastRequest} start`]);
let server: ModelServer | null = null;

export const spendOptions: RigOptions = {
  files: meteredWorkerFiles,
  args: ["--config", "agentcore.yaml"],
  env: { HOUSE_KEY: providerKey },
  seed: async ({ workspace }) => {
    server = await startModelServer({ hold: valves.hold });
    server.run({ key: providerKey, script: [{ text: "an answer of some words", usage, repeat: "forever" }] });
    await writeFile(join(workspace, "agentcore.yaml"), meteredWorkerConfig(server.url));
  },
  close: async () => server?.close(),
};

export const spendChecks: readonly DaemonCheck[] = [
  {
    name: "what a run does and what it has spent is seen while it works, and its end says metered",
    run: seen,
  },
  { name: "a key that is used after its run is refused, counted, and in need of attention", run: keyRefused },
];

interface Running {
  readonly job: string;
  readonly activity: string;
  readonly costUsd: number | null;
}

/** The run as the page, `top` and the API show it. */
class Scene {
  readonly #rig: Rig;
  readonly #job: string;
  readonly #page: Page;
  readonly #costs: number[] = [];

  constructor(rig: Rig, job: string, page: Page) {
    this.#rig = rig;
    this.#job = job;
    this.#page = page;
  }

  /** Waits until all three show the state, and the page a cost that is `more` than in the state before, or the same. */
  async shows(activity: string, label: string, cost: "none" | "same" | "more"): Promise<void> {
    await this.#page.locator(".badge", { hasText: label }).waitFor();
    await until(`top shows ${activity}`, async () => {
      const top = await agentcore(this.#rig, [
        "top",
        "--once",
        "--url",
        `unix://${this.#rig.stateDir}/daemon.sock`,
      ]);
      return new RegExp(`^${this.#job.slice(-8)} +${activity} `, "m").test(top);
    });
    const before = this.#costs.at(-1) ?? 0;
    if (cost !== "none") await until(`the cost of ${activity}`, async () => (await this.#shownCost()) > 0);
    if (cost === "more") await until("the cost has grown", async () => (await this.#shownCost()) > before);
    const { running } = await this.#rig.call<{ running: readonly Running[] }>("/v1/overview");
    assert.equal(running.find(({ job }) => job === this.#job)?.activity, activity);
    const now = cost === "none" ? 0 : await this.#shownCost();
    assert.ok(now >= before, `the cost went from $${before} to $${now}`);
    this.#costs.push(now);
  }

  /** 0: none is shown. */
  async #shownCost(): Promise<number> {
    const shown = await this.#page.getByText(/^\$[\d.]+ of \$1\.00$/).allTextContents();
    return Number(/[\d.]+/.exec(shown[0] ?? "")?.[0] ?? 0);
  }
}

async function seen(rig: Rig): Promise<void> {
  const { workspace } = rig;
  const task = { worker: "house", workspace, instructions: "work", capabilities: ["edit"] };
  const { id } = await rig.call<{ id: string }>("/v1/jobs", { task, limits: { maxCostUsd: 1 } });
  const page = await rig.open(`/jobs/${id}`);
  const scene = new Scene(rig, id, page);
  await scene.shows("waiting", "waiting for provider", "none");
  valves.open("1 start");
  await scene.shows("streaming", "receiving an answer", "more");
  await budgetsShow(rig, id);
  valves.open("1 middle");
  await scene.shows("tool", "runs a tool", "more");
  await page.getByRole("region", { name: "Calls to the provider, newest first" }).waitFor();
  await writeFile(join(workspace, "tool-ends"), "");
  await scene.shows("looping", "repeats one request", "more");
  valves.open(`${lastRequest} start`);
  await scene.shows("finished", "finished, not exited", "more");
  assert.equal(await page.getByRole("row", { name: /completed/ }).count(), lastRequest);
  await writeFile(join(workspace, "exits"), "");
  await badge(page, "succeeded").waitFor();
  await page
    .getByText(/\(metered\)/)
    .first()
    .waitFor();
  const { attempts } = await rig.call<{ attempts: readonly Record<string, unknown>[] }>(`/v1/jobs/${id}`);
  const perCall = (usage.inputTokens * 3 + usage.outputTokens * 15) / 1e6;
  assert.deepEqual(
    attempts.map(({ costUsd, costBasis }) => ({ costUsd, costBasis })),
    [{ costUsd: Math.round(perCall * lastRequest * 1e6) / 1e6, costBasis: "metered" }],
  );
  assert.equal(server?.requests.length, lastRequest);
  await page.context().close();
}

/** The run holds its ceiling of the budget of the day. */
async function budgetsShow(rig: Rig, job: string): Promise<void> {
  const page = await rig.open("/budgets");
  const holds = page.getByRole("region", { name: "Open holds" });
  await holds
    .getByRole("row", { name: new RegExp(`${job.slice(-8)}.*house.*\\$1\\.00.*alive`) })
    .first()
    .waitFor();
  await page.getByRole("row", { name: /global.*\$5\.00 per day.*\$1\.00/ }).waitFor();
  await page.context().close();
}

async function keyRefused(rig: Rig): Promise<void> {
  const gate = JSON.parse(await readFile(join(rig.workspace, "gate.json"), "utf8")) as {
    readonly url: string;
    readonly key: string;
  };
  const { status } = await fetch(`${gate.url}/v1/messages`, {
    method: "POST",
    headers: { "x-api-key": gate.key },
    body: "{}",
  });
  assert.equal(status, 401);
  assert.match(await rig.text("/metrics"), /^agentcore_spend_gate_refused_keys\{kind="ended"\} 1$/m);
  const page = await rig.open("/");
  await page.getByText(/refused a request with the key of attempt 1 .*AC_SPEND_GATE_KEY/).waitFor();
  await page.context().close();
}
