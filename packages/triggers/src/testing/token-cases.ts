/** What every token store does. */
import assert from "node:assert/strict";
import type { StoredToken, TokenStore } from "../trigger-store.ts";
import type { StoreCase, TokenStoreHarness } from "./store-fixtures.ts";

export const testToken = (change: Partial<StoredToken> = {}): StoredToken => ({
  id: "token",
  name: "ci",
  scope: "read",
  hash: "00ff",
  createdAt: 1_000.5,
  expiresAt: null,
  ...change,
});

const tokenCase = (
  name: string,
  check: (store: TokenStore) => Promise<void>,
): StoreCase<TokenStoreHarness> => ({ name, run: async (harness) => check(await harness.open()) });

export const tokenCases: readonly StoreCase<TokenStoreHarness>[] = [
  tokenCase("lists tokens with every field, in the order in which they were added", async (store) => {
    assert.deepEqual(await store.list(), []);
    const tokens = [
      testToken({ id: "z", hash: "01" }),
      testToken({ id: "a", hash: "02", scope: "operate", expiresAt: 2_000.25, createdAt: 1 }),
    ];
    for (const token of tokens) await store.add(token);
    assert.deepEqual(await store.list(), tokens);
  }),
  tokenCase("removes a token once", async (store) => {
    await store.add(testToken());
    await store.add(testToken({ id: "other", hash: "02" }));
    assert.equal(await store.remove("token"), true);
    assert.equal(await store.remove("token"), false);
    assert.deepEqual(await store.list(), [testToken({ id: "other", hash: "02" })]);
    await store.add(testToken());
    assert.equal((await store.list()).length, 2);
  }),
  tokenCase("refuses a token with the id or the hash of another one", async (store) => {
    await store.add(testToken());
    await assert.rejects(store.add(testToken({ hash: "02" })), { code: "AC_INTERNAL" });
    await assert.rejects(store.add(testToken({ id: "other" })), { code: "AC_INTERNAL" });
    assert.deepEqual(await store.list(), [testToken()]);
  }),
];
