/** The page as a whole: what axe finds, phones, the keyboard, a tab that is asleep, and other sites. */
import assert from "node:assert/strict";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { sidewaysScroll } from "../look.ts";
import { setHidden, settled, streams, until, type DaemonCheck, type Rig, type RigOptions } from "./rig.ts";

export const browserChecks: readonly DaemonCheck[] = [
  { name: "axe finds nothing on any view, light or dark, wide or narrow", run: accessible },
  { name: "views and dialogs are reached and left with the keyboard alone", run: keyboard },
  { name: "a tab that is asleep costs the daemon nothing, and is right when it wakes up", run: asleep },
  { name: "the page asks nobody but the daemon, and no other site may frame it", run: alone },
];

/** What the views show something of. */
export const browserFile: RigOptions = {
  file: `events:
  orders: { type: queue, topic: orders }
  beat: { type: interval, every: 1h }
triggers:
  order: { on: orders, workflow: order.yaml }
  hourly: { on: beat, workflow: order.yaml }
`,
  files: {
    "order.yaml": `name: order
version: "1"
timeout: 10m
steps:
  build: { worker: shell, capabilities: [run_commands], instructions: "echo built" }
  lint: { worker: shell, capabilities: [run_commands], instructions: "exit 3", on_failure: continue }
  ask: { approval: { message: "Ship it?" }, depends_on: [build] }
  ship: { worker: shell, depends_on: [ask], capabilities: [run_commands], instructions: "echo shipped" }
`,
  },
};

const views = ["/", "/jobs", "/runs", "/triggers", "/events", "/dead", "/budgets"];

const standards = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** What axe finds, in words. It is evaluated by the debugger, since the policy of the page lets no other script in. */
async function axeFindings(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(
    (values) => (globalThis as unknown as { axe: typeof axe }).axe.run({ runOnly: { type: "tag", values } }),
    standards,
  );
  return violations.map(
    ({ id, impact, nodes }) => `${id} (${String(impact)}): ${nodes[0]?.html.slice(0, 200)}`,
  );
}

const firstId = async (rig: Rig, path: string): Promise<string | undefined> =>
  (await rig.call<{ items: readonly { id: string }[] }>(path)).items[0]?.id;

async function accessible(rig: Rig): Promise<void> {
  await rig.call("/v1/topics/orders", { payload: { note: "<b>$(id)</b>" } });
  const page = await rig.open("/");
  await page.getByRole("button", { name: "Approve" }).waitFor();
  await page.context().close();
  const places = [
    ...views,
    `/jobs/${await firstId(rig, "/v1/jobs")}`,
    `/runs/${await firstId(rig, "/v1/workflow-runs")}`,
    `/events/${await firstId(rig, "/v1/trigger-events")}`,
    "/triggers/order",
  ];
  const problems: string[] = [];
  for (const look of [
    { width: 1280, colorScheme: "light" },
    { width: 360, colorScheme: "dark" },
  ] as const) {
    const view = await rig.open("/", look);
    for (const place of places) {
      await view.goto(`${rig.url}${place}`);
      await settled(view);
      const found = [...(await axeFindings(view)), ...(await view.evaluate(sidewaysScroll))];
      problems.push(...found.map((problem) => `${place} at ${look.width}, ${look.colorScheme}: ${problem}`));
    }
    await view.context().close();
  }
  assert.deepEqual(problems, []);
}

async function keyboard(rig: Rig): Promise<void> {
  const page = await rig.open("/");
  await settled(page);
  const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent ?? "");
  const tabTo = async (text: string): Promise<void> => {
    for (let presses = 0; presses < 60 && (await focused()) !== text; presses++)
      await page.keyboard.press("Tab");
    assert.equal(await focused(), text);
  };
  await tabTo("Jobs");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Jobs" }).waitFor();
  await tabTo("New job");
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "New job" });
  await dialog.waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  assert.equal(await focused(), "New job");
  await page.context().close();
}

const shell = (rig: Rig, instructions: string) =>
  rig.call("/v1/jobs", {
    task: { worker: "shell", workspace: rig.workspace, instructions, capabilities: ["run_commands"] },
  });

const row = (page: Page, text: string) => page.getByRole("row").filter({ hasText: text });

async function asleep(rig: Rig): Promise<void> {
  await until("no stream is left of other checks", async () => (await streams(rig)) === 0);
  const page = await rig.open("/jobs");
  await settled(page);
  await until("its stream is open", async () => (await streams(rig)) === 1);
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await setHidden(page, true);
  await until("its stream is closed", async () => (await streams(rig)) === 0);
  asked.length = 0;
  await shell(rig, "true # while it was asleep");
  await until("the job has ended", async () => {
    const { items } = await rig.call<{ items: readonly { state: string }[] }>("/v1/jobs?limit=1");
    return items[0]?.state === "succeeded";
  });
  assert.deepEqual(asked, []);
  assert.equal(await row(page, "while it was asleep").count(), 0);
  await setHidden(page, false);
  await row(page, "while it was asleep").filter({ hasText: "succeeded" }).waitFor();
  await page.context().close();
}

async function alone(rig: Rig): Promise<void> {
  const page = await rig.open("/");
  const hosts = new Set<string>();
  page.on("request", (request) => hosts.add(new URL(request.url()).origin));
  for (const view of views) {
    await page.goto(`${rig.url}${view}`);
    await settled(page);
  }
  assert.deepEqual([...hosts], [rig.url]);
  const { headers } = await fetch(rig.url);
  const policy = headers.get("content-security-policy") ?? "";
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /frame-ancestors 'none'/);
  await page.context().close();
}
