/** Triggers, events, workflow runs and budgets on the page: paused, fired, replayed, approved and cancelled as a person does it. */
import assert from "node:assert/strict";
import { createSqliteLedger, openStateDatabase } from "@agentcore/store-sqlite";
import type { Locator, Page } from "playwright-core";
import { badge, until, type DaemonCheck, type Rig, type RigOptions, type RigPlace } from "./rig.ts";

const shell = "worker: shell, capabilities: [run_commands]";
const head = (name: string): string => `name: ${name}\nversion: "1"\ntimeout: 10m\nsteps:\n`;

const release = `${head("release")}  build:
    worker: shell
    capabilities: [run_commands]
    matrix: { os: [linux, mac] }
    on_failure: continue
    instructions: test "\${{ matrix.os }}" = linux
  part: { workflow: ./part.yaml, depends_on: [build] }
  ask: { approval: { message: "Release <b>it</b>?" }, depends_on: [part] }
  deploy: { ${shell}, depends_on: [ask], instructions: "sleep 300" }
`;

/** What the daemon of these checks has. */
export const runsAndTriggers: RigOptions = {
  file: `events:
  orders: { type: queue, topic: orders }
  nightly: { type: cron, schedule: "0 3 * * *", timezone: UTC }
triggers:
  on-order: { on: orders, workflow: order.yaml }
  audit: { on: orders, workflow: order.yaml }
  at-night: { on: nightly, workflow: order.yaml }
`,
  files: {
    "order.yaml": `${head("order")}  take: { ${shell}, instructions: "true" }\n`,
    "part.yaml": `${head("part")}  one: { ${shell}, instructions: "true" }\n  two: { ${shell}, depends_on: [one], instructions: "true" }\n`,
    "release.yaml": release,
    "agentcore.yaml":
      "limits: { global: { cost_usd: { day: 20 } }, workers: { codex: { tokens: { day: 100 } } } }\n",
  },
  seed: seedSpend,
};

const dayMs = 86_400_000;

/** Today $2 and $3 of two workers, and yesterday $1. */
async function seedSpend({ stateDir }: RigPlace): Promise<void> {
  const database = await openStateDatabase({ directory: stateDir });
  const ledger = createSqliteLedger(database);
  const now = Date.now();
  const charge = async (holdId: string, at: number, worker: string, costUsd: number): Promise<void> => {
    const windowStart = Math.floor(at / dayMs) * dayMs;
    const counters = ["global", `worker:${worker}`].map((scope) => ({
      scope,
      window: "day" as const,
      windowStart,
      costCapMicroUsd: null,
      tokensCap: null,
    }));
    const owner = { pid: 1, startTicks: null, bootId: null };
    const entry = {
      holdId,
      jobId: holdId,
      attempt: 1,
      worker,
      owner,
      heldAt: at,
      costMicroUsd: 0,
      tokens: 0,
      counters,
    };
    await ledger.charge(entry, { costMicroUsd: costUsd * 1e6, tokens: 40, basis: "reported", settledAt: at });
  };
  await charge("one", now, "claude-code", 2);
  await charge("two", now, "codex", 3);
  await charge("three", now - dayMs, "codex", 1);
  await database.close();
}

interface List {
  readonly items: readonly { readonly id: string; readonly [field: string]: unknown }[];
}

/** The dialog that the button opens. */
async function opened(page: Page, name: string): Promise<Locator> {
  await page.getByRole("button", { name, exact: true }).click();
  return page.getByRole("dialog", { name: `${name}?` });
}

const confirmed = (dialog: Locator, name: string): Promise<void> =>
  dialog.locator(".dialog-actions").getByRole("button", { name, exact: true }).click();

export const runChecks: readonly DaemonCheck[] = [
  { name: "a trigger is paused with a note, refuses its events, and goes on", run: paused },
  { name: "a trigger is fired with a payload, which is checked first", run: fired },
  { name: "an event is replayed for one trigger, and the firing tells its story", run: replayed },
  { name: "the slots of a schedule are filled in, each once", run: backfilled },
  { name: "graph and tree show the same states, a step is approved and the run cancelled", run: approved },
  { name: "runs are found by state and name, which the address keeps", run: filtered },
  { name: "budgets and spend are shown as a picture and as figures", run: spent },
];

async function paused(rig: Rig): Promise<void> {
  const list = await rig.open("/triggers");
  const page = await rig.open("/triggers/on-order");
  const dialog = await opened(page, "Pause");
  await dialog.getByLabel("Note").fill("stock is <i>counted</i>");
  await confirmed(dialog, "Pause");
  await badge(page, "paused").waitFor();
  await page.getByText("stock is <i>counted</i>").waitFor();
  // Another tab shows it.
  await list.getByRole("row", { name: /on-order.*stock is <i>counted/ }).waitFor();
  await rig.call("/v1/topics/orders", { payload: { n: 1 } });
  const row = page.getByRole("row", { name: /skipped.*paused/ });
  await row.waitFor();
  await page.getByRole("button", { name: "Resume", exact: true }).click();
  await badge(page, "active").waitFor();
  await rig.call("/v1/topics/orders", { payload: { n: 2 } });
  await page.getByRole("row", { name: /succeeded/ }).waitFor();
  await Promise.all([list.context().close(), page.context().close()]);
}

async function fired(rig: Rig): Promise<void> {
  const page = await rig.open("/triggers/on-order");
  const dialog = await opened(page, "Fire");
  await dialog.getByLabel("Payload (JSON)").fill("{n: 3}");
  await confirmed(dialog, "Fire");
  await dialog.getByText(/The payload is not JSON: .*line 1 column 2/).waitFor();
  await dialog.getByLabel("Payload (JSON)").fill('{ "text": "<script>alert(1)</script> \\u001b[31m" }');
  await confirmed(dialog, "Fire");
  await page.waitForURL(/\/events\//);
  await page.locator("pre", { hasText: "<script>alert(1)</script>" }).waitFor();
  await page.getByRole("row", { name: /succeeded.*on-order/ }).waitFor();
  assert.equal(await page.getByRole("row", { name: /audit/ }).count(), 0);
  await page.context().close();
}

async function replayed(rig: Rig): Promise<void> {
  const { events } = await rig.call<{ readonly events: readonly [string] }>("/v1/topics/orders", {
    payload: { n: 4 },
    chain: [{ daemon: "elsewhere", trigger: "made", run: "run-of-another-daemon" }],
  });
  const page = await rig.open(`/events/${events[0]}`);
  await until(
    "both triggers took it",
    async () => (await page.getByRole("row", { name: /succeeded/ }).count()) === 2,
  );
  await page.getByRole("row", { name: /elsewhere.*made/ }).waitFor();
  const dialog = await opened(page, "Replay");
  await dialog.getByLabel("For").selectOption("audit");
  await confirmed(dialog, "Replay");
  await page.waitForURL((url) => !url.pathname.endsWith(events[0]));
  await page.getByText("Replay of").waitFor();
  const row = page.getByRole("row", { name: /succeeded.*audit/ });
  await row.getByRole("link").first().click();
  await badge(page, "succeeded").waitFor();
  await page.getByText("The event came from orders as a replay.").waitFor();
  await page.getByText("The run ended: succeeded.").waitFor();
  await page.context().close();
}

async function backfilled(rig: Rig): Promise<void> {
  const page = await rig.open("/triggers/at-night");
  await page.getByRole("heading", { name: "Next fires" }).waitFor();
  for (const done of ["2 slots fired", "0 slots fired, 2 were filled already"]) {
    const dialog = await opened(page, "Backfill");
    await dialog.getByLabel("From").fill("2026-01-01T00:00");
    await dialog.getByLabel("To").fill("2026-01-03T00:00");
    await confirmed(dialog, "Backfill");
    await page.getByRole("status").getByText(done).waitFor();
  }
  await until(
    "they have run",
    async () => (await page.getByRole("row", { name: /succeeded/ }).count()) === 2,
  );
  await page.context().close();
}

/** The states of each step, with those of its instances together. */
async function statesOf(page: Page): Promise<Readonly<Record<string, readonly string[]>>> {
  const found = await page
    .locator("[data-step]")
    .evaluateAll((all) =>
      all.map((one) => [one.getAttribute("data-step") ?? "", one.getAttribute("data-status") ?? ""] as const),
    );
  const states = Map.groupBy(found, ([step]) => step);
  return Object.fromEntries([...states].map(([step, each]) => [step, each.map(([, state]) => state)]));
}

async function approved(rig: Rig): Promise<void> {
  const { run } = await rig.call<{ readonly run: string }>("/v1/workflow-runs", {
    file: `${rig.workspace}/release.yaml`,
    workspace: rig.workspace,
  });
  const page = await rig.open(`/runs/${run}`);
  await page.getByText("Release <b>it</b>?").first().waitFor();
  await page.locator('.graph [data-step="ask"][data-status="WAITING"]').waitFor();
  const graph = await statesOf(page);
  await page.getByRole("button", { name: "Tree" }).click();
  const tree = await statesOf(page);
  assert.deepEqual(tree["build"]?.toSorted(), ["FAILED", "SUCCEEDED"]);
  assert.deepEqual({ ...tree, build: ["FAILED"] }, graph);
  assert.deepEqual(graph["ask"], ["WAITING"]);
  assert.deepEqual(graph["part/two"], ["SUCCEEDED"]);
  const dialog = await opened(page, "Approve");
  await dialog.getByLabel("Message").fill("go ahead");
  await confirmed(dialog, "Approve");
  await page.locator('[data-step="deploy"][data-status="RUNNING"]').waitFor();
  await page.getByRole("link", { name: "ask", exact: true }).click();
  await page.getByText(/approved by .*: go ahead/).waitFor();
  await page.getByRole("link", { name: "deploy", exact: true }).click();
  await page
    .getByRole("region", { name: "Jobs of the step, newest first" })
    .getByRole("row", { name: /running/ })
    .waitFor();
  const cancel = await opened(page, "Cancel run");
  await confirmed(cancel, "Cancel run");
  await badge(page, "cancelled").waitFor();
  await page.getByRole("button", { name: "Graph" }).click();
  await page.locator('[data-step="deploy"][data-status="CANCELLED"]').waitFor();
  await page.getByRole("button", { name: "Retry failed steps" }).waitFor();
  await page.context().close();
}

async function filtered(rig: Rig): Promise<void> {
  const page = await rig.open("/runs");
  await page.getByLabel("State").selectOption("CANCELLED");
  await page.getByLabel("Workflow", { exact: true }).fill("release");
  const rows = page.locator("tbody tr");
  await until("the only run is listed", async () => (await rows.count()) === 1);
  assert.match(page.url(), /state=CANCELLED&name=release/);
  await page.reload();
  await until("it is listed after a reload", async () => (await rows.count()) === 1);
  await page.getByLabel("Workflow", { exact: true }).fill("order");
  await page.getByText("No run matches.").waitFor();
  const { items } = await rig.call<List>("/v1/firings?trigger=at-night");
  await page.goto(`${rig.url}/events?show=firings&trigger=at-night&state=ended`);
  await until("its firings are listed", async () => (await rows.count()) === items.length);
  await page.context().close();
}

async function spent(rig: Rig): Promise<void> {
  const page = await rig.open("/budgets");
  await page.getByRole("row", { name: /global \$20\.00 per day.*25 %.*\$5\.00.*\$15\.00/ }).waitFor();
  await page.getByRole("meter", { name: /tokens of worker:codex/ }).waitFor();
  await page.getByText("$6.00 in the last 30 days.").waitFor();
  assert.equal(await page.locator(".chart .chart-bar .stack-0").count(), 2);
  await page.getByText("The same as a table").click();
  const rows = page.getByRole("region", { name: "Spend by day, newest first" }).getByRole("row");
  await until("the figures are listed", async () => (await rows.count()) === 3);
  assert.match(await rows.nth(1).innerText(), /\$3\.00\s+\$2\.00\s+\$5\.00\s+80/);
  await page.getByLabel("Time", { exact: true }).selectOption("week");
  // Hours were not booked.
  await page.getByText("Nothing was spent in the last 7 days.").waitFor();
  assert.match(page.url(), /span=week/);
  await page.context().close();
}
