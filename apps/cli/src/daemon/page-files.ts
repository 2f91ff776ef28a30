/**
 * The files of the page, which the daemon serves beside its API. The package has them in `dist/page`; in a checkout they are where
 * `apps/dashboard` was built.
 */
import type { PageHandler } from "@agentcore/api";
import { isMissing } from "@agentcore/contract";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { findPackage, readManifest } from "../version.ts";

/** The page loads its own files, talks to its own daemon, and nothing else; what it shows can start nothing. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "worker-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

const types: Readonly<Record<string, string>> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

export const pageNotBuilt =
  "The page is not built in this checkout: run `npm start` once in its root. The API works without it.";

/** With a slash at its end; null: the page is not there. */
function findPageFiles(): URL | null {
  const root = findPackage()?.root;
  if (root === undefined) return null;
  const dashboard = new URL("../dashboard/", root);
  const isCheckout = readManifest(new URL("package.json", dashboard))?.name === "@agentcore/dashboard";
  const places = [new URL("dist/page/", root), ...(isCheckout ? [new URL("dist/page/", dashboard)] : [])];
  return places.find((place) => existsSync(new URL("index.html", place))) ?? null;
}

export const isPageBuilt = (): boolean => findPageFiles() !== null;

/**
 * Answers with the files of the page; every address that is no file is one of the page's own, and gets its document. `find` is
 * asked each time, so that a page that is built later is served without a restart.
 */
export function pageFiles(find: () => URL | null = findPageFiles): PageHandler {
  return async (request) => {
    const files = find();
    if (files === null)
      return answer(`${pageNotBuilt}\n`, { status: 503, type: "text/plain; charset=utf-8" });
    const [, name, ending = ""] = /^\/assets\/([\w-]+\.(\w+))$/.exec(new URL(request.url).pathname) ?? [];
    if (name === undefined) {
      const document = await fileOf(new URL("index.html", files));
      return document === null ? null : answer(document, { type: "text/html; charset=utf-8" });
    }
    const type = types[ending];
    const file = type === undefined ? null : await fileOf(new URL(`assets/${name}`, files));
    if (file === null || type === undefined) return null;
    // A file of another content has another name.
    return answer(file, { type, cache: "public, max-age=31536000, immutable" });
  };
}

/** Null: there is none. */
async function fileOf(url: URL): Promise<Buffer | null> {
  try {
    return await readFile(fileURLToPath(url));
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

interface AnswerOptions {
  readonly type: string;
  readonly status?: number;
  readonly cache?: string;
}

function answer(body: string | Buffer, { type, status = 200, cache = "no-cache" }: AnswerOptions): Response {
  const headers = { "content-type": type, "cache-control": cache, "content-security-policy": policy };
  return new Response(typeof body === "string" ? body : new Uint8Array(body), { status, headers });
}
