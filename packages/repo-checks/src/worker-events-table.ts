/** Writes the table of worker events in `docs/adapters.md` from their schema. `npm run docs` writes it; a test compares. */
import { workerEventSchema } from "@agentcore/contract";

const start = "<!-- Generated from the schema of the events by `npm run docs`. -->";
const end = "<!-- End of the generated part. -->";

interface Field {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Field[];
  readonly properties?: Readonly<Record<string, Field>>;
  readonly required?: readonly string[];
  readonly description?: string;
}

/** The document with its generated part as the schema has it now. */
export function withEventTable(document: string): string {
  const from = document.indexOf(start) + start.length;
  const to = document.indexOf(end);
  if (from < start.length || to < from) throw new Error("the marks of the generated part are missing");
  return `${document.slice(0, from)}\n\n${eventTable()}\n\n${document.slice(to)}`;
}

function eventTable(): string {
  // A reader never emits a look of a probe.
  const emitted = workerEventSchema.unwrap().options.filter(({ shape }) => shape.type.value !== "probe");
  const rows = emitted.map((option) => {
    const { properties = {}, required = [], description = "" } = option.toJSONSchema() as Field;
    const fields = Object.entries(properties)
      .filter(([name]) => name !== "type")
      .map(([name, field]) => `\`${name}\`${required.includes(name) ? "" : "?"}: ${typeOf(field)}`);
    return `| \`${option.shape.type.value}\` | ${fields.join("<br>")} | ${description} |`;
  });
  return ["| Type | Fields | Meaning |", "| --- | --- | --- |", ...rows].join("\n");
}

function typeOf({ type, enum: values, anyOf, properties }: Field): string {
  if (anyOf !== undefined) return [...new Set(anyOf.map(typeOf))].join(" or ");
  if (values !== undefined) return values.map((value) => JSON.stringify(value)).join(", ");
  if (properties !== undefined) return `{ ${Object.keys(properties).join(", ")} }`;
  return type === undefined ? "any JSON" : [type].flat().join(" or ");
}
