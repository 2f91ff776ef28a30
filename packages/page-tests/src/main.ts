/**
 * Opens the pages in Chromium, headless, in light and in dark, in a wide and in a narrow window, and prints a line for each
 * check. The browser is the system's; where there is none, one line says so and the exit code is 1.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium, type Browser } from "playwright-core";
import { pageChecks, pictureChecks, type Check } from "./checks.ts";
import { findChromium, noChromium } from "./find-chromium.ts";
import { writeSample } from "./sample.ts";

interface Setting {
  readonly colorScheme: "light" | "dark";
  readonly width: number;
}

const settings: readonly Setting[] = [
  { colorScheme: "light", width: 1280 },
  { colorScheme: "dark", width: 400 },
];

/** Answers the problems of all checks, the ones that the browser itself reports included. */
async function look(browser: Browser, file: string, setting: Setting, checks: readonly Check[]) {
  const { colorScheme, width } = setting;
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, offline: true });
  const page = await context.newPage();
  const complaints: string[] = [];
  const url = pathToFileURL(file).href;
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => complaints.push(message.text()));
  page.on("request", (request) => {
    if (request.url().split("#")[0] !== url) complaints.push(`it asks for ${request.url()}`);
  });
  await page.goto(url);
  const found: (readonly [name: string, problems: readonly string[]])[] = [];
  for (const { name, problems } of checks) found.push([name, await problems(page)]);
  await context.close();
  return [...found, ["the browser has nothing to complain about", complaints] as const];
}

async function lookAtAll(browser: Browser, folder: string): Promise<number> {
  const { pages, pictures } = await writeSample(folder);
  let passed = 0;
  let failed = 0;
  for (const file of [...pages, ...pictures]) {
    const checks = pages.includes(file) ? pageChecks : pictureChecks;
    for (const setting of settings) {
      for (const [name, problems] of await look(browser, file, setting, checks)) {
        const where = `${basename(file)}, ${setting.colorScheme}, ${setting.width} px`;
        console.log(`${problems.length === 0 ? "ok    " : "FAILED"} ${where}: ${name}`);
        for (const problem of problems) console.log(`         ${problem}`);
        if (problems.length === 0) passed++;
        else failed++;
      }
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  const executablePath = findChromium();
  if (executablePath === null) {
    console.error(noChromium);
    return 1;
  }
  const folder = await mkdtemp(join(tmpdir(), "agentcore-pages-"));
  // Its own sandbox needs user namespaces, which root in a container often lacks; only files of ours are opened.
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  try {
    return await lookAtAll(browser, folder);
  } finally {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  }
}

process.exitCode = await main();
