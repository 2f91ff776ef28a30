/** Checks of what JSON columns hold: another program, or a fault of the disk, may have changed them. */
/** A row of a table, by the names of its columns, which are the same in every store on tables. */
export type Row = Readonly<Record<string, unknown>>;

export type Check = (value: unknown) => boolean;

export const isText: Check = (value) => typeof value === "string";
export const isNumber: Check = (value) => typeof value === "number";
export const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);

/** Whether a value is an object whose fields pass their checks. Other fields are allowed. */
export function hasFields(value: unknown, checks: Readonly<Record<string, Check>>): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const fields = value as Readonly<Record<string, unknown>>;
  return Object.entries(checks).every(([name, check]) => check(fields[name]));
}

export const textOrNull = (value: unknown): string | null => (typeof value === "string" ? value : null);
export const numberOrNull = (value: unknown): number | null => (typeof value === "number" ? value : null);
