/** The frame of the page and its first screen: signing in, one stream for all tabs, approvals, tokens that only read, and a stop. */
import type { BrowserContext, Page } from "playwright-core";
import { setHidden, streams, until, type DaemonCheck, type Rig, type RigOptions } from "./rig.ts";

export const nowOptions: RigOptions = {
  file: `events:
  orders: { type: queue, topic: orders }
triggers:
  on-order: { on: orders, workflow: deploy.yaml }
`,
  files: {
    "deploy.yaml": `name: deploy
version: "1"
timeout: 10m
steps:
  ask: { approval: { message: "Deploy <b>1284</b>?" } }
  work: { worker: shell, capabilities: [run_commands], instructions: "sleep 300" }
`,
  },
};

/** Without a token. */
async function openSignedOut({ browser, url }: Rig): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
}

const stateOf = async (page: Page): Promise<string> =>
  (await page.locator(".controls .badge").last().textContent()) ?? "";

async function moreTabs(context: BrowserContext, url: string, count: number): Promise<Page[]> {
  const pages: Page[] = [];
  for (let tab = 0; tab < count; tab++) {
    const page = await context.newPage();
    await page.goto(url);
    pages.push(page);
  }
  return pages;
}

export const nowChecks: readonly DaemonCheck[] = [
  {
    name: "a token is tried before it is kept, and signing out in one tab does so in all",
    run: async (rig) => {
      const page = await openSignedOut(rig);
      await signIn(page, "agc_wrong");
      await page.getByRole("alert").getByText("not known").waitFor();
      await signIn(page, rig.readToken);
      await page.getByRole("heading", { name: "Now" }).waitFor();
      const other = await page.context().newPage();
      await other.goto(`${rig.url}/jobs`);
      await other.getByRole("heading", { name: "Jobs", exact: true }).waitFor();
      await other.getByRole("button", { name: "Sign out" }).click();
      await page.getByLabel("Token").waitFor();
      await page.context().close();
    },
  },
  {
    name: "seven tabs share one stream; hidden ones ask for nothing, and the stream ends",
    run: async (rig) => {
      const first = await rig.open("/");
      const context = first.context();
      const pages = [first, ...(await moreTabs(context, rig.url, 6))];
      await until("every tab is live", async () =>
        (await Promise.all(pages.map(stateOf))).every((state) => state.includes("live")),
      );
      if ((await streams(rig)) !== 1) throw new Error(`${await streams(rig)} streams for one browser`);
      for (const page of pages) await setHidden(page, true);
      await until("the stream of hidden tabs ends", async () => (await streams(rig)) === 0);
      const asked: string[] = [];
      context.on("request", (request) => asked.push(request.url()));
      await rig.call("/v1/topics/orders", { payload: { n: 1 } });
      await until("the run begins", async () => {
        const { items } = await rig.call<{ items: unknown[] }>("/v1/workflow-runs");
        return items.length === 1;
      });
      if (asked.length > 0) throw new Error(`hidden tabs asked for ${asked.join(", ")}`);
      await setHidden(first, false);
      await first.getByRole("link", { name: "deploy", exact: true }).waitFor();
      await until("the stream is back", async () => (await streams(rig)) === 1);
      await context.close();
      await until("the stream ends with its tabs", async () => (await streams(rig)) === 0);
    },
  },
  {
    name: "a tab that is gone does not keep the stream of hidden tabs open",
    run: async (rig) => {
      const page = await rig.open("/");
      const gone = await page.context().newPage();
      await gone.goto(rig.url);
      await until(
        "both are live",
        async () => (await stateOf(page)).includes("live") && (await stateOf(gone)).includes("live"),
      );
      await setHidden(page, true);
      await gone.close();
      await until("the stream ends", async () => (await streams(rig)) === 0);
      await page.context().close();
    },
  },
  {
    name: "with a token that may only read, actions are off and say why",
    run: async (rig) => {
      const page = await rig.open("/", { token: rig.readToken });
      const stop = page.getByRole("button", { name: "Stop all" });
      await page.getByText("read only").waitFor();
      await stop.click({ force: true });
      if ((await page.getByRole("dialog").count()) > 0) throw new Error("it opens a dialog");
      const why = await stop.getAttribute("title");
      if (why !== "Your token may only read.") throw new Error(`it says: ${why}`);
      await page.context().close();
    },
  },
  {
    name: "an approval shows its question as text, and is answered on the first screen",
    run: async (rig) => {
      const page = await rig.open("/", { width: 360 });
      await page.getByRole("button", { name: "Approve" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText("Deploy <b>1284</b>?").waitFor();
      await dialog.getByLabel("Message").fill("go");
      await dialog.getByRole("button", { name: "Approve" }).click();
      await page.getByText("Nothing needs you.").waitFor();
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wider > 0) throw new Error(`the page is ${wider} px wider than a phone`);
      await page.context().close();
    },
  },
  {
    name: "stop all asks first, and shows the receipt of what it stopped",
    run: async (rig) => {
      const page = await rig.open("/", { colorScheme: "dark" });
      await page.getByText(/1 job runs/).waitFor();
      await page.getByRole("button", { name: "Stop all" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Reason").fill("fire drill");
      await dialog.getByRole("button", { name: "Stop all" }).click();
      await dialog.getByText("Nothing runs any more").waitFor();
      await dialog.getByRole("row", { name: /cancelled 0 left/ }).waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Resume" }).first().waitFor();
      await page.getByText("fire drill").first().waitFor();
      await page.context().close();
    },
  },
];
