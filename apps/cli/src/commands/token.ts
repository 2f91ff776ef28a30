/** `agentcore token create|list|revoke`: bearer tokens of the API, in the state directory of the daemon. */
import { createToken } from "@agentcore/api";
import { AgentCoreError, formatDuration, storePlace, systemClock, systemIds } from "@agentcore/contract";
import type { StoredToken, TokenScope, TokenStore } from "@agentcore/triggers";
import { findDaemon } from "../daemon/daemon-place.ts";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { findId } from "../queue/find-id.ts";
import { withStores, type StateOptions } from "../queue/open-queue.ts";
import { span } from "../screen/line.ts";
import { shortId, shortIdsAmong } from "../screen/short-id.ts";
import { table } from "../screen/table.ts";
import type { StateDir } from "../state/state-dir.ts";
import { plainScreen } from "../screen/terminal.ts";
import { oneLine } from "../screen/text.ts";

interface CreateOptions extends StateOptions {
  readonly scope?: TokenScope;
  /** In ms. */
  readonly expires?: number;
}

const nameCharactersMax = 200;

/** Prints the text of the token, which is not kept. */
export async function newToken(name: string, options: CreateOptions, io: Io): Promise<number> {
  if (name.length > nameCharactersMax)
    throw new AgentCoreError("AC_USAGE", `the name has more than ${nameCharactersMax} characters`);
  const { scope = "read", expires } = options;
  const expiresAt = expires === undefined ? null : systemClock.now() + expires;
  const { text, stored, state } = await withTokens(options, io, async (store, state) => ({
    ...(await createToken(
      { name: oneLine(name), scope, expiresAt },
      { store, clock: systemClock, ids: systemIds },
    )),
    state,
  }));
  if (options.json === true) {
    io.stdout.json({ type: "token_created", ...factsOf(stored), token: text });
    return exitCodes.succeeded;
  }
  io.stdout.write(`${text}\n`);
  const end = expires === undefined ? "does not expire" : `expires in ${formatDuration(expires)}`;
  io.stderr.write(
    `agentcore: token ${shortId(stored.id)} has the scope ${scope} and ${end}; its text is not shown again\n` +
      `agentcore: it is for ${daemonsOf(state)}\n`,
  );
  return exitCodes.succeeded;
}

function daemonsOf({ path, store }: StateDir): string {
  if (store !== null) return `every daemon on ${storePlace(store)}`;
  // A daemon rarely uses the usual state directory, and a token that was made there by mistake looks like a wrong one.
  return `the daemon on ${path}${findDaemon(path) === null ? ", where none runs now" : ""}`;
}

export async function listTokens(options: StateOptions, io: Io): Promise<number> {
  const tokens = await withTokens(options, io, (store) => store.list());
  if (options.json === true) for (const token of tokens) io.stdout.json({ type: "token", ...factsOf(token) });
  else if (tokens.length === 0) plainScreen(io.stdout).print([[span("No tokens.", "dim")]]);
  else plainScreen(io.stdout).print(tokenTable(tokens, systemClock.now()));
  return exitCodes.succeeded;
}

/** A running daemon refuses the token from the next request on. */
export async function revokeToken(text: string, options: StateOptions, io: Io): Promise<number> {
  const id = await withTokens(options, io, async (store) => {
    const found = await findToken(text, await store.list());
    if (await store.remove(found)) return found;
    throw new AgentCoreError("AC_TOKEN_NOT_FOUND", `the token ${shortId(found)} was revoked meanwhile`);
  });
  if (options.json === true) io.stdout.json({ type: "token_revoked", id });
  else io.stdout.write(`${shortId(id)}  revoked\n`);
  return exitCodes.succeeded;
}

const withTokens = <T>(
  options: StateOptions,
  io: Io,
  use: (store: TokenStore, state: StateDir) => Promise<T>,
): Promise<T> => withStores(options, io, ({ tokens }, state) => use(tokens, state), "writes");

const factsOf = ({ id, name, scope, createdAt, expiresAt }: StoredToken) => ({
  id,
  name,
  scope,
  createdAt,
  expiresAt,
});

async function findToken(text: string, tokens: readonly StoredToken[]): Promise<string> {
  const ids = tokens.map(({ id }) => id);
  const found = await findId(text, {
    what: "token",
    exact: async () => ids.find((id) => id === text),
    beginning: async () => ids.filter((id) => id.startsWith(text)),
    ending: async () => ids.filter((id) => id.endsWith(text)),
    newest: async () => ids.at(-1),
    recent: async () => ids,
  });
  if ("id" in found) return found.id;
  throw new AgentCoreError("AC_TOKEN_NOT_FOUND", found.problem, { evidence: { token: text } });
}

function tokenTable(tokens: readonly StoredToken[], now: number) {
  const columns = [
    { title: "TOKEN", isWhole: true },
    { title: "SCOPE", isWhole: true },
    { title: "AGE", align: "right", mayGo: true },
    { title: "EXPIRES", align: "right" },
    { title: "NAME" },
  ] as const;
  const nameOf = shortIdsAmong(tokens.map(({ id }) => id));
  return table(
    columns,
    tokens.map(({ id, name, scope, createdAt, expiresAt }) => [
      span(nameOf(id), "accent"),
      span(scope),
      span(formatDuration(Math.max(0, now - createdAt))),
      expiresSpan(expiresAt, now),
      span(name),
    ]),
  );
}

function expiresSpan(expiresAt: number | null, now: number) {
  if (expiresAt === null) return span("never");
  return expiresAt <= now ? span("expired", "bad") : span(`in ${formatDuration(expiresAt - now)}`);
}
