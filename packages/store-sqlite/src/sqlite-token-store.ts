/** The `TokenStore` of `@agentcore/triggers` on `state.db`. */
import { assert } from "@agentcore/contract";
import type { StoredToken, TokenScope, TokenStore } from "@agentcore/triggers";
import type { StateDatabase } from "./state-database.ts";

const scopes: readonly string[] = ["read", "operate"] satisfies TokenScope[];

export function createSqliteTokenStore(database: StateDatabase): TokenStore {
  return {
    add: ({ id, name, scope, hash, createdAt, expiresAt }) =>
      database.write((sql) => {
        const added = sql.insert(
          `INSERT INTO api_tokens (id, name, scope, hash, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT DO NOTHING`,
          id,
          name,
          scope,
          hash,
          createdAt,
          expiresAt,
        );
        assert(added !== undefined, `the token ${id} is stored already`);
      }),
    list: () =>
      database.read((sql) =>
        sql
          .all("SELECT id, name, scope, hash, created_at, expires_at FROM api_tokens ORDER BY number")
          // A token that cannot be read opens nothing.
          .filter((row) => scopes.includes(String(row.scope)))
          .map((row): StoredToken => ({
            id: String(row.id),
            name: String(row.name),
            scope: row.scope as TokenScope,
            hash: String(row.hash),
            createdAt: Number(row.created_at),
            expiresAt: row.expires_at === null ? null : Number(row.expires_at),
          })),
      ),
    remove: (id) => database.write((sql) => sql.run("DELETE FROM api_tokens WHERE id = ?", id) > 0),
  };
}
