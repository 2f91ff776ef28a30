/** The checks of one document in one window: what must be seen, reached and refused. Each answers what is wrong. */
import type { Page } from "playwright-core";
import { activeContent, faintTexts, misplacedBoxes, sidewaysScroll } from "./look.ts";
import { nastyName } from "./sample.ts";

export interface Check {
  readonly name: string;
  readonly problems: (page: Page) => Promise<readonly string[]>;
}

export const pictureChecks: readonly Check[] = [
  { name: "words fit, and nothing lies over another", problems: (page) => page.evaluate(misplacedBoxes) },
  { name: "text stands out", problems: (page) => page.evaluate(faintTexts) },
  { name: "nothing runs or is loaded", problems: (page) => page.evaluate(activeContent) },
  { name: "names are names", problems: namesAreShown },
];

export const pageChecks: readonly Check[] = [
  ...pictureChecks,
  { name: "no scrolling sideways", problems: (page) => page.evaluate(sidewaysScroll) },
  { name: "every step is reached and opened with the keyboard", problems: keyboard },
  { name: "programs that read aloud find names", problems: namesForReaders },
];

async function namesAreShown(page: Page): Promise<readonly string[]> {
  const title = await page.locator(".workflow > title").textContent();
  return title?.includes(nastyName) === true ? [] : [`the title is ${title}`];
}

/** Tab goes through the boxes in order; Enter opens the details of the last; a summary opens by itself, too. */
async function keyboard(page: Page): Promise<readonly string[]> {
  const links = await page
    .locator(".workflow a")
    .evaluateAll((all) => all.map((a) => a.getAttribute("href")));
  const reached: (string | null)[] = [];
  const focused = (): Promise<string | null> =>
    page.evaluate(() => document.activeElement?.getAttribute("href") ?? null);
  for (let presses = 0; presses < links.length + 2 && reached.length < links.length; presses++) {
    await page.keyboard.press("Tab");
    const href = await focused();
    if (href !== null) reached.push(href);
  }
  if (reached.join() !== links.join()) return [`Tab reaches ${reached.join()} of ${links.join()}`];
  const isOpen = (): Promise<boolean> =>
    page
      .locator("details")
      .last()
      .evaluate((details) => (details as HTMLDetailsElement).open);
  const last = page.locator(`details:has(${links.at(-1)})`);
  await page.keyboard.press("Enter");
  const problems: string[] = [];
  if (!(await last.locator("dl").first().isVisible())) problems.push("Enter on a box does not open its step");
  await page.locator("summary").last().focus();
  const before = await isOpen();
  await page.keyboard.press("Space");
  if ((await isOpen()) === before) problems.push("Space does not open or close a step");
  return problems;
}

async function namesForReaders(page: Page): Promise<readonly string[]> {
  const group = page.getByRole("group", { name: "Workflow" });
  const link = page.getByRole("link", { name: /^unit, shell × 3/ });
  const heading = page.getByRole("heading", { name: nastyName, level: 1 });
  const found = await Promise.all([group, link, heading].map((locator) => locator.count()));
  return found.every((count) => count === 1) ? [] : [`picture, link and heading: ${found.join()} of 1, 1, 1`];
}
