/**
 * Stores which configuration files the user trusts: the path with a hash of the content, so that a changed file is no
 * longer trusted. Each record is one small file in the user's own state home, regardless of `--state-dir`, where neither a
 * repository nor another user can write.
 */
import { AgentCoreError, ifMissing, lazySchema } from "@agentcore/contract";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { trustDirectoryIn } from "./trust-directory.ts";
import { callerIdentity, exposureOf } from "./exposure.ts";
import { makeOwnDirectory } from "./own-directory.ts";

const entrySchema = lazySchema(() =>
  z.object({
    path: z.string(),
    sha256: z.string(),
    /** ISO 8601. */
    trusted_at: z.string(),
  }),
);

export interface TrustEntry {
  /** Absolute, without symbolic links. */
  readonly path: string;
  readonly sha256: string;
  readonly trustedAt: string;
}

export class TrustStore {
  readonly #directory: string;

  /** `stateHome`: the user's state directory for this program; it need not exist. */
  constructor(stateHome: string) {
    this.#directory = trustDirectoryIn(stateHome);
  }

  isTrusted(path: string, text: string): boolean {
    return this.#isOurs() && this.#read(fileNameOf(path))?.sha256 === hashOf(text);
  }

  /** By path. Unreadable entries count as none. */
  list(): readonly TrustEntry[] {
    if (!this.#isOurs()) return [];
    return readdirSync(this.#directory)
      .flatMap((name) => this.#read(name) ?? [])
      .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  }

  trust(path: string, text: string, now: number): void {
    try {
      makeOwnDirectory(this.#directory);
      const exposure = exposureOf(realpathSync(this.#directory), callerIdentity());
      if (exposure !== null) throw new Error(`${exposure}, so another user could decide what you trust`);
      const entry = { path, sha256: hashOf(text), trusted_at: new Date(now).toISOString() };
      const file = join(this.#directory, fileNameOf(path));
      writeFileSync(`${file}.${process.pid}`, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
      renameSync(`${file}.${process.pid}`, file);
    } catch (error) {
      throw new AgentCoreError(
        "AC_STORE_UNAVAILABLE",
        `the trust cannot be stored in ${this.#directory}: ${(error as Error).message}`,
        { cause: error, evidence: { path: this.#directory } },
      );
    }
  }

  /** Returns false if it was not trusted. */
  revoke(path: string): boolean {
    const known = this.#read(fileNameOf(path)) !== null;
    rmSync(join(this.#directory, fileNameOf(path)), { force: true });
    return known;
  }

  #isOurs(): boolean {
    try {
      return exposureOf(realpathSync(this.#directory), callerIdentity()) === null;
    } catch (error) {
      return ifMissing(false)(error);
    }
  }

  #read(name: string): TrustEntry | null {
    try {
      const { trusted_at: trustedAt, ...rest } = entrySchema.parse(
        JSON.parse(readFileSync(join(this.#directory, name), "utf8")),
      );
      return fileNameOf(rest.path) === name ? { ...rest, trustedAt } : null;
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof z.ZodError) return null;
      return ifMissing(null)(error);
    }
  }
}

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

const fileNameOf = (path: string): string => `${hashOf(path)}.json`;
