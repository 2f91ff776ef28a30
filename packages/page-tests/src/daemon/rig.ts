/**
 * What the checks of the page of the daemon share: a real daemon from source on a directory of its own, the page as vite builds it,
 * and a browser that is signed in. Everything is ended by its id.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createToken } from "@agentcore/api";
import { systemClock, systemIds } from "@agentcore/contract";
import { createSqliteTokenStore, openStateDatabase } from "@agentcore/store-sqlite";
import { execa } from "execa";
import { chromium, type Browser, type Locator, type Page } from "playwright-core";
import { findChromium, noChromium } from "../find-chromium.ts";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const token = "a-token-that-only-the-checks-of-the-page-know";

export interface RigOptions {
  /** What the daemon file has beside name, workspace, state directory and server: `events:` and `triggers:`. */
  readonly file?: string;
  /** Files of the workspace, by their paths in it. */
  readonly files?: Readonly<Record<string, string>>;
  /** Fills the state directory before the daemon starts. */
  readonly seed?: (place: RigPlace) => Promise<void>;
  /** More arguments of the daemon, and more of its environment. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Called after the daemon has ended. */
  readonly close?: () => Promise<void>;
}

export interface RigPlace {
  readonly workspace: string;
  readonly stateDir: string;
}

export interface Rig extends RigPlace {
  readonly url: string;
  /** Of a token that may only read. */
  readonly readToken: string;
  readonly browser: Browser;
  /** Of the daemon, which ends it abruptly with `kill`. */
  readonly daemon: ChildProcess;
  /** What browsers said about pages that were opened: errors, and what the policy of the page refused. */
  readonly complaints: readonly string[];
  /** A page of its own context, signed in. */
  open(path: string, look?: Look): Promise<Page>;
  /** An operation of the API; with a body it is a POST. Rejects unless it succeeds. */
  call<T = Record<string, unknown>>(path: string, body?: object): Promise<T>;
  /** What a GET answers, as text. */
  text(path: string): Promise<string>;
  close(): Promise<void>;
}

export interface Look {
  /** Default 1280. */
  readonly width?: number;
  readonly colorScheme?: "light" | "dark";
  /** Default: the one that may operate. */
  readonly token?: string;
}

/** A daemon needs a trigger. */
const plainFile = `events:
  asked: { type: queue, topic: asked }
triggers:
  on-asked: { on: asked, workflow: flow.yaml }
`;
const plainFlow = `name: flow
version: "1"
timeout: 5m
steps:
  only: { worker: shell, capabilities: [run_commands], instructions: "true" }
`;

const height = 900;

/** Builds the page as it is served. Needed once before the first rig. */
export async function buildPage(): Promise<void> {
  const dashboard = join(root, "apps/dashboard");
  await execa(process.execPath, [join(dashboard, "node_modules/vite/bin/vite.js"), "build"], {
    cwd: dashboard,
  });
}

/** What a command of the command line prints. Rejects unless it succeeds. */
export async function agentcore({ workspace }: RigPlace, args: readonly string[]): Promise<string> {
  const program = ["--conditions=@agentcore/source", join(root, "apps/cli/src/main.ts")];
  const { stdout } = await execa(process.execPath, [...program, ...args], {
    cwd: workspace,
    stdin: "ignore",
  });
  return stdout;
}

export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const executablePath = findChromium();
  if (executablePath === null) throw new Error(noChromium);
  const folder = await realpath(await mkdtemp(join(tmpdir(), "agentcore-page-")));
  const closers: (() => Promise<unknown>)[] = [
    () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  ];
  const close = async (): Promise<void> => {
    for (const end of closers.splice(0).toReversed()) await end();
  };
  try {
    const place = await writeFiles(folder, options);
    const readToken = await makeReadToken(place.stateDir);
    closers.push(async () => options.close?.());
    await options.seed?.(place);
    const { child, url } = await startDaemon(place.workspace, folder, options);
    closers.push(() => end(child));
    // Its own sandbox needs user namespaces, which root in a container often lacks; only pages of ours are opened.
    const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
    closers.push(() => browser.close());
    const complaints: string[] = [];
    return {
      ...place,
      url,
      readToken,
      browser,
      daemon: child,
      complaints,
      open: (path, look = {}) => openPage(browser, `${url}${path}`, look, complaints),
      call: async <T>(path: string, body?: object) => JSON.parse(await request(`${url}${path}`, body)) as T,
      text: (path) => request(`${url}${path}`, undefined),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function writeFiles(folder: string, { file, files }: RigOptions): Promise<RigPlace> {
  const place = { workspace: join(folder, "workspace"), stateDir: join(folder, "state") };
  const server = `server: { http: { port: 0 }, token: "${token}" }`;
  const head = `name: page\nversion: "1"\nworkspace: .\nstate_dir: ${place.stateDir}\n${server}\n`;
  const given = file === undefined ? { "flow.yaml": plainFlow } : {};
  const all = { "daemon.yaml": head + (file ?? plainFile), ...given, ...files };
  for (const [name, text] of Object.entries(all)) {
    const path = join(place.workspace, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  return place;
}

async function makeReadToken(stateDir: string): Promise<string> {
  const database = await openStateDatabase({ directory: stateDir });
  try {
    const parts = { store: createSqliteTokenStore(database), clock: systemClock, ids: systemIds };
    return (await createToken({ name: "reader", scope: "read", expiresAt: null }, parts)).text;
  } finally {
    await database.close();
  }
}

/** Resolves once it is ready. */
async function startDaemon(
  workspace: string,
  folder: string,
  { args: more = [], env: given = {} }: RigOptions,
): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const args = [
    "--conditions=@agentcore/source",
    join(root, "apps/cli/src/main.ts"),
    "daemon",
    "run",
    "daemon.yaml",
    ...more,
  ];
  const own = { PATH: process.env["PATH"] ?? "", HOME: folder, XDG_STATE_HOME: join(folder, "xdg") };
  const env = { ...own, ...given };
  const child = spawn(process.execPath, args, { cwd: workspace, env, stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  const ready = Promise.withResolvers<string>();
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log = (log + text).slice(-100_000);
    const found = /"url":"(http:[^"]+)"/.exec(log);
    if (found?.[1] !== undefined && log.includes("the daemon is ready")) ready.resolve(found[1]);
  });
  child.once("exit", (code) => ready.reject(new Error(`the daemon ended with ${code}:\n${log}`)));
  return { child, url: await ready.promise };
}

const endsWithinMs = 30_000;

/** Asks it to end, hurries it, and kills it if it does not. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  await Promise.race([gone, pause(1000)]);
  if (child.exitCode === null) child.kill("SIGTERM");
  await Promise.race([gone, pause(endsWithinMs)]);
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
}

async function openPage(browser: Browser, url: string, look: Look, complaints: string[]): Promise<Page> {
  const { width = 1280, colorScheme = "light" } = look;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme,
    reducedMotion: "reduce",
  });
  await context.addInitScript((text) => localStorage.setItem("agentcore.token", text), look.token ?? token);
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(`${page.url()}: ${String(error)}`));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(`${page.url()}: ${message.text()}`);
  });
  await page.goto(url);
  return page;
}

async function request(url: string, body: object | undefined): Promise<string> {
  const authorization = `Bearer ${token}`;
  const sent = {
    method: "POST",
    body: JSON.stringify(body),
    headers: { authorization, "content-type": "application/json" },
  };
  const response = await fetch(url, body === undefined ? { headers: { authorization } } : sent);
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${text}`);
  return text;
}

export interface DaemonCheck {
  readonly name: string;
  /** Rejects with what is wrong. */
  readonly run: (rig: Rig) => Promise<void>;
}

const untilMs = 60_000;

/** Waits until the look answers true. */
export async function until(what: string, look: () => Promise<boolean> | boolean): Promise<void> {
  const deadlineMs = performance.now() + untilMs;
  while (!(await look())) {
    if (performance.now() > deadlineMs) throw new Error(`never: ${what}`);
    await pause(50);
  }
}

/** Waits until the view has what it reads first. */
export async function settled(page: Page): Promise<void> {
  await page.getByRole("heading", { level: 1 }).waitFor();
  await until("the view has read", async () => (await page.getByText(/^(Loading|Reading)/).count()) === 0);
}

/** The state beside the title of a view. */
export const badge = (page: Page, state: string): Locator => page.locator("h1 .badge", { hasText: state });

/** How many streams the daemon serves. */
export async function streams(rig: Rig): Promise<number> {
  return Number(/^agentcore_api_stream_clients (\d+)$/m.exec(await rig.text("/metrics"))?.[1]);
}

/** A page in a browser without a window is always visible, so that this says it to the page. */
export async function setHidden(page: Page, isHidden: boolean): Promise<void> {
  await page.evaluate(
    (state) => {
      Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
      document.dispatchEvent(new Event("visibilitychange"));
    },
    isHidden ? "hidden" : "visible",
  );
}
