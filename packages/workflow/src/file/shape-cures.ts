/** What to write in place of a value of another kind, where its own words say what the author meant. Given to zod as `error`. */

type Kind = "text" | "number" | "list" | "mapping" | "truth";

/** By kind of the value. Values of other kinds have the general message. */
export function insteadOf(cures: Readonly<Partial<Record<Kind, (value: string) => string>>>) {
  return ({ input }: { readonly input?: unknown }): string | undefined => {
    const kind = kindOf(input);
    return kind === undefined ? undefined : cures[kind]?.(shown(input));
  };
}

function kindOf(input: unknown): Kind | undefined {
  if (Array.isArray(input)) return "list";
  switch (typeof input) {
    case "string":
      return "text";
    case "number":
      return "number";
    case "boolean":
      return "truth";
    default:
      return typeof input === "object" && input !== null ? "mapping" : undefined;
  }
}

const shownMax = 40;

/** As YAML, in quotes; longer texts are left to the author. */
function shown(input: unknown): string {
  if (typeof input === "string") return input.length > shownMax ? "…" : JSON.stringify(input);
  return typeof input === "number" ? String(input) : "";
}
