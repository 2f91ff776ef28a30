/** The `TokenStore` of `@agentcore/triggers` on PostgreSQL. A token is good for every daemon of the store. */
import { assert } from "@agentcore/contract";
import type { StoredToken, TokenScope, TokenStore } from "@agentcore/triggers";
import { fromColumn, toColumn } from "../store/plain-text.ts";
import type { PostgresLane } from "../store/postgres-store.ts";

const scopes: readonly string[] = ["read", "operate"] satisfies TokenScope[];

export function createPostgresTokenStore(store: PostgresLane): TokenStore {
  return {
    add: ({ id, name, scope, hash, createdAt, expiresAt }) =>
      store.write(async (sql) => {
        const added = await sql.run(
          `INSERT INTO api_tokens (id, name, scope, hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT DO NOTHING`,
          toColumn(id),
          toColumn(name),
          scope,
          hash,
          createdAt,
          expiresAt,
        );
        assert(added === 1, `the token ${id} is stored already`);
      }),
    list: () =>
      store.read(async (sql) => {
        const rows = await sql.all(
          "SELECT id, name, scope, hash, created_at, expires_at FROM api_tokens ORDER BY number",
        );
        return (
          rows
            // A token that cannot be read opens nothing.
            .filter((row) => scopes.includes(String(row["scope"])))
            .map((row): StoredToken => ({
              id: fromColumn(String(row["id"])),
              name: fromColumn(String(row["name"])),
              scope: row["scope"] as TokenScope,
              hash: String(row["hash"]),
              createdAt: Number(row["created_at"]),
              expiresAt: row["expires_at"] === null ? null : Number(row["expires_at"]),
            }))
        );
      }),
    remove: (id) =>
      store.write(async (sql) => (await sql.run("DELETE FROM api_tokens WHERE id = $1", toColumn(id))) > 0),
  };
}
