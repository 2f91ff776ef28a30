/**
 * The keys of attempts. Only their digests are kept, so that looking one up takes the same time whatever a guess has in
 * common with a key.
 */
import { spendGateKeyHeader } from "@agentcore/contract";
import { createHash, randomBytes } from "node:crypto";
import type { RequestHeaders } from "../protocols/protocol.ts";

export interface IssuedKey<T> {
  /** 256 random bits. */
  readonly key: string;
  /** The key is valid from now on. */
  assign(owner: T): void;
  /** And from now on it is not. */
  revoke(): void;
}

export class KeyRing<T> {
  readonly #byDigest = new Map<string, T>();

  issue(): IssuedKey<T> {
    const key = randomBytes(32).toString("base64url");
    const digest = digestOf(key);
    return {
      key,
      assign: (owner) => void this.#byDigest.set(digest, owner),
      revoke: () => void this.#byDigest.delete(digest),
    };
  }

  find(key: string): T | null {
    return this.#byDigest.get(digestOf(key)) ?? null;
  }
}

const digestOf = (key: string): string => createHash("sha256").update(key).digest("base64");

/** The gate's key of a request: that in the gate's own header, if there is one, else the credential that a worker sends. */
export function keyOf(headers: RequestHeaders): string | null {
  for (const name of [spendGateKeyHeader, "x-api-key", "authorization"]) {
    const value = headers[name];
    if (typeof value === "string" && value !== "") return value.replace(/^Bearer +/i, "").trim();
  }
  return null;
}
