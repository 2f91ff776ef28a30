/**
 * The parts of a step's key: names with digests, never values. An entry of the cache keeps them, so that a later miss can say
 * which part has changed. Pure.
 */
import { createHash } from "node:crypto";
import * as z from "zod";

export const keyPart = z.strictObject({
  /** `used`: the texts of the step with their values. `files`: all of the key, if they are too many to keep each. */
  kind: z.enum(["step", "input", "variable", "value", "file", "files", "artifact", "place", "used"]),
  /** Of the input, file and so on; empty if the kind has one part only. */
  name: z.string(),
  digest: z.string(),
});
export type KeyPart = z.output<typeof keyPart>;

/** What a step is looked for by. */
export interface SoughtResult {
  /** Decided by all parts. */
  readonly key: string;
  /** The same for all results of one step in one workspace. */
  readonly origin: string;
  readonly parts: readonly KeyPart[];
}

export function soughtResult(origin: unknown, parts: readonly KeyPart[]): SoughtResult {
  const key = digestOfJson(parts.map(({ kind, name, digest }) => [kind, name, digest]));
  return { key, origin: digestOfJson(origin), parts: parts.length > partsMax ? folded(parts) : parts };
}

export function digestOfJson(value: unknown): string {
  const text = JSON.stringify(value, (_, inner: unknown) => (inner instanceof Map ? [...inner] : inner));
  return createHash("sha256").update(text).digest("hex");
}

/** With more, an entry would be mostly a list of files. */
const partsMax = 10_000;

function folded(parts: readonly KeyPart[]): readonly KeyPart[] {
  const files = parts.filter(({ kind }) => kind === "file");
  if (files.length === 0) return parts;
  const digest = digestOfJson(files.map(({ name, digest: one }) => [name, one]));
  return [...parts.filter(({ kind }) => kind !== "file"), { kind: "files", name: "", digest }];
}

const shownMax = 3;

/** `file a.txt changed, input who changed`. Empty if the parts are the same. */
export function changesText(before: readonly KeyPart[], now: readonly KeyPart[]): string {
  const isFolded = [...before, ...now].some(({ kind }) => kind === "files");
  const [was, is] = isFolded ? [folded(before), folded(now)] : [before, now];
  const changes = changesOf(was, is);
  // The texts also change with an input or a value of the key, which says more.
  const telling = changes.filter(({ kind }) => kind !== "used");
  const texts = (telling.length > 0 ? telling : changes).map(changeText);
  const more = texts.length - shownMax;
  return [...texts.slice(0, shownMax), ...(more > 0 ? [`and ${more} more`] : [])].join(", ");
}

interface Change extends Pick<KeyPart, "kind" | "name"> {
  readonly verb: "changed" | "is new" | "is gone";
}

function changesOf(before: readonly KeyPart[], now: readonly KeyPart[]): readonly Change[] {
  const idOf = ({ kind, name }: KeyPart): string => `${kind} ${name}`;
  const known = new Map(before.map((part) => [idOf(part), part]));
  const present = new Set(now.map(idOf));
  return [
    ...now.flatMap((part): Change[] => {
      const old = known.get(idOf(part));
      if (old?.digest === part.digest) return [];
      return [{ ...part, verb: old === undefined ? "is new" : "changed" }];
    }),
    ...before.flatMap((part): Change[] => (present.has(idOf(part)) ? [] : [{ ...part, verb: "is gone" }])),
  ];
}

function changeText({ kind, name, verb }: Change): string {
  switch (kind) {
    case "step":
      return "the step changed";
    case "used":
      return "a value that the step uses changed";
    case "files":
      return "files of its key changed";
    case "variable":
      return `variable ${name} of the run ${verb}`;
    case "value":
    case "place":
      return `${name} ${verb}`;
    case "input":
    case "file":
    case "artifact":
      return `${kind} ${name} ${verb}`;
  }
}
