/** Several queries in one statement, and so in one round trip: each gives a list of rows, as JSON. */
import type { Sql, SqlValue } from "./sql.ts";

export type Rows = readonly Readonly<Record<string, unknown>>[];

export class Reading<Name extends string> {
  readonly #common: string[] = [];
  readonly #queries: string[] = [];
  readonly #values: SqlValue[] = [];

  /** The placeholder of a value, such as `$1::text`. */
  value(value: SqlValue, type: string): string {
    return `$${this.#values.push(value)}::${type}`;
  }

  /** A common table expression for the queries. */
  common(expression: string): void {
    this.#common.push(expression);
  }

  /** Numbers and texts of its rows survive; whole numbers up to 2^53. */
  add(name: Name, query: string): void {
    this.#queries.push(`(SELECT coalesce(json_agg(q), '[]') FROM (${query}) q) AS "${name}"`);
  }

  /** The rows of each query; of a query that was not added, none. */
  async read(sql: Sql): Promise<Readonly<Record<Name, Rows>>> {
    const common = this.#common.length === 0 ? "" : `WITH RECURSIVE ${this.#common.join(",\n")}\n`;
    const row = await sql.get(`${common}SELECT ${this.#queries.join(",\n")}`, ...this.#values);
    return new Proxy(row as Record<Name, Rows>, { get: (rows, name) => rows[name as Name] ?? [] });
  }
}
