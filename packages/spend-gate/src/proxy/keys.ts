/**
 * The keys of attempts. Only their digests are kept, so that looking one up takes the same time whatever a guess has in
 * common with a key.
 */
import { BoundedMap, spendGateKeyHeader, type RefusedKeyKind } from "@agentcore/contract";
import type { KeyOwner } from "@agentcore/core";
import { createHash, randomBytes } from "node:crypto";
import type { RequestHeaders } from "../protocols/protocol.ts";

/** Ended keys that are told from guesses. */
const endedMax = 1000;

export interface IssuedKey<T> {
  /** 256 random bits. */
  readonly key: string;
  /** The key is valid from now on. */
  assign(user: T): void;
  /** And from now on it is not. */
  revoke(): void;
}

export class KeyRing<T> {
  readonly #valid = new Map<string, { readonly user: T; readonly of: KeyOwner }>();
  readonly #ended = new BoundedMap<string, KeyOwner>(endedMax);

  issue(of: KeyOwner): IssuedKey<T> {
    const key = randomBytes(32).toString("base64url");
    const digest = digestOf(key);
    return {
      key,
      assign: (user) => void this.#valid.set(digest, { user, of }),
      revoke: () => {
        if (this.#valid.delete(digest)) this.#ended.set(digest, of);
      },
    };
  }

  find(key: string): T | null {
    return this.#valid.get(digestOf(key))?.user ?? null;
  }

  /** Why a key that {@link find} does not know is refused, and whose it was. */
  refusalOf(key: string | null): { readonly kind: RefusedKeyKind; readonly of: KeyOwner | null } {
    if (key === null) return { kind: "missing", of: null };
    const of = this.#ended.get(digestOf(key)) ?? null;
    if (of === null) return { kind: "unknown", of };
    const isRunning = [...this.#valid.values()].some(({ of: { jobId } }) => jobId === of.jobId);
    return { kind: isRunning ? "earlier_attempt" : "ended", of };
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
