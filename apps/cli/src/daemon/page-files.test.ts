import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { pageFiles } from "./page-files.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "agentcore-page-"));
  mkdirSync(join(folder, "page/assets"), { recursive: true });
  writeFileSync(join(folder, "page/index.html"), "<!doctype html><title>page</title>");
  writeFileSync(join(folder, "page/assets/index-a1B_2.js"), "run()");
  writeFileSync(join(folder, "page/assets/index-a1B_2.css"), "a{}");
  writeFileSync(join(folder, "page/assets/index-a1B_2.map"), "{}");
  writeFileSync(join(folder, "secret.js"), "secret");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function ask(path: string): Promise<{ status: number; text: string; headers: Headers } | null> {
  const page = pageFiles(() => pathToFileURL(join(folder, "page/")));
  const response = await page(new Request(`http://localhost${path}`));
  if (response === null) return null;
  return { status: response.status, text: await response.text(), headers: response.headers };
}

it("serves files by their hashed names, with exact types, to be kept", async () => {
  const script = await ask("/assets/index-a1B_2.js");
  expect(script).toMatchObject({ status: 200, text: "run()" });
  expect(script?.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  expect(script?.headers.get("cache-control")).toContain("immutable");
  expect((await ask("/assets/index-a1B_2.css"))?.headers.get("content-type")).toContain("text/css");
});

it.each(["/", "/jobs", "/jobs/a%2Fb?x=1", "/runs/1", "/index.html"])(
  "answers %s with the document, which is asked for each time and may load nothing of others",
  async (path) => {
    const document = await ask(path);
    expect(document?.text).toContain("<title>page</title>");
    expect(document?.headers.get("cache-control")).toBe("no-cache");
    const policy = document?.headers.get("content-security-policy") ?? "";
    for (const rule of [
      "default-src 'none'",
      "script-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ])
      expect(policy.split("; ")).toContain(rule);
    expect(policy).not.toContain("unsafe");
  },
);

it.each(["/assets/index-old.js", "/assets/index-a1B_2.map", "/assets/constructor.constructor"])(
  "has no %s",
  async (path) => expect(await ask(path)).toBeNull(),
);

it.each(["/assets/../../secret.js", "/assets/%2e%2e/%2e%2e/secret.js", "/assets/..%2f..%2fsecret.js"])(
  "reads nothing outside its folder for %s",
  async (path) => expect((await ask(path))?.text ?? "").not.toContain("secret"),
);

it("says in one line how to build it, and serves it once it is built", async () => {
  let place: URL | null = null;
  const page = pageFiles(() => place);
  const response = await page(new Request("http://localhost/"));
  expect(response?.status).toBe(503);
  expect(await response?.text()).toMatch(/^The page is not built[^\n]*`npm start`[^\n]*\n$/);
  place = pathToFileURL(join(folder, "page/"));
  expect((await page(new Request("http://localhost/")))?.status).toBe(200);
});
