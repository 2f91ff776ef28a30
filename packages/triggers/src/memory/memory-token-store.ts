/** A token store in memory, for embedding and tests. */
import { assert } from "@agentcore/contract";
import type { StoredToken, TokenStore } from "../trigger-store.ts";

export function createMemoryTokenStore(): TokenStore {
  const tokens = new Map<string, StoredToken>();
  return {
    async add(token) {
      const isTaken = [...tokens.values()].some(({ id, hash }) => id === token.id || hash === token.hash);
      assert(!isTaken, `the token ${token.id} is stored already`);
      tokens.set(token.id, structuredClone(token));
    },
    list: async () => structuredClone([...tokens.values()]),
    remove: async (id) => tokens.delete(id),
  };
}
