/** Converts a value to a parameter's declared type, whether it comes from the command line, a file or another workflow. Pure. */
import type { InputDeclaration } from "./definition.ts";
import type { Value } from "./expression.ts";

/** Undefined if the value does not have the declared type. */
export function readAs({ type }: InputDeclaration, value: Value): Value | undefined {
  if (typeof value === type) return value;
  if (typeof value !== "string") return type === "string" && value !== null ? String(value) : undefined;
  switch (type) {
    case "string":
      return value;
    case "number":
      return value.trim() !== "" && Number.isFinite(Number(value)) ? Number(value) : undefined;
    case "boolean":
      return value === "true" ? true : value === "false" ? false : undefined;
  }
}
