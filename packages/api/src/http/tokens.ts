/** Bearer tokens: made with 256 random bits, kept as their SHA-256, compared in constant time. */
import { AgentCoreError, type Clock, type Ids } from "@agentcore/contract";
import type { StoredToken, TokenScope, TokenStore } from "@agentcore/triggers";
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

export interface NewToken {
  readonly name: string;
  readonly scope: TokenScope;
  /** In ms since the epoch; null: never. */
  readonly expiresAt: number | null;
}

export interface CreatedToken {
  /** Shown once: only its hash is kept. */
  readonly text: string;
  readonly stored: StoredToken;
}

/** Resolves once the token is durable. */
export async function createToken(
  token: NewToken,
  { store, clock, ids }: { readonly store: TokenStore; readonly clock: Clock; readonly ids: Ids },
): Promise<CreatedToken> {
  const text = `agc_${randomBytes(32).toString("base64url")}`;
  const stored = { ...token, id: ids.next(), hash: hashOfToken(text), createdAt: clock.now() };
  await store.add(stored);
  return { text, stored };
}

/** SHA-256 in hex. The text has 256 random bits, so that a slow hash would add nothing. */
const hashOfToken = (text: string): string => createHash("sha256").update(text).digest("hex");

export type TokenReader = Pick<TokenStore, "list">;

/** The tokens of the store and one of the configuration, with the scope `operate`. */
export function withConfiguredToken(store: TokenReader, text: string | null): TokenReader {
  if (text === null) return store;
  const configured: StoredToken = {
    id: "configured",
    name: "configured",
    scope: "operate",
    hash: hashOfToken(text),
    createdAt: 0,
    expiresAt: null,
  };
  return { list: async () => [configured, ...(await store.list())] };
}

/** Throws `AC_API_UNAUTHORIZED`. A revoked token is refused from the next request on. */
export async function checkToken(
  header: string | undefined,
  store: TokenReader,
  now: number,
): Promise<StoredToken> {
  const [, text] = /^bearer +([\x21-\x7e]{1,512}) *$/i.exec(header ?? "") ?? [];
  if (text === undefined) {
    throw new AgentCoreError("AC_API_UNAUTHORIZED", "the request has no bearer token");
  }
  const hash = Buffer.from(hashOfToken(text), "hex");
  // Compares with every token, so that the time says nothing about any.
  const found = (await store.list()).filter((token) => isSame(hash, Buffer.from(token.hash, "hex")));
  const valid = found.find(({ expiresAt }) => expiresAt === null || expiresAt > now);
  if (valid !== undefined) return valid;
  const message = found.length > 0 ? "the token has expired" : "the token is not known, or was revoked";
  throw new AgentCoreError("AC_API_UNAUTHORIZED", message);
}

const isSame = (one: Buffer, other: Buffer): boolean =>
  one.length === other.length && timingSafeEqual(one, other);
