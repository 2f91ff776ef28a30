/** Parses sizes in a configuration: `512MiB`, `1GiB`, `2GB`. A number without a unit is refused. */
import { lazySchema } from "@agentcore/contract";
import { z } from "zod";

const unitBytes: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};
const pattern = /^(\d+(?:\.\d+)?)\s*(B|[KMGT]i?B)$/;

/** Bytes, or `undefined` if the text is not a size. */
export function parseByteSize(text: string): number | undefined {
  const match = pattern.exec(text.trim());
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * (unitBytes[match[2] ?? ""] ?? Number.NaN));
}

export const byteSizeSchema = lazySchema(() =>
  z
    .string({ error: "a size needs a unit, such as 512MiB or 1GB" })
    .transform((text, context) => {
      const bytes = parseByteSize(text);
      if (bytes !== undefined) return bytes;
      context.addIssue({
        code: "custom",
        message: `"${text}" is not a size; write a number with a unit, such as 512MiB or 1GB`,
      });
      return z.NEVER;
    })
    .meta({ description: "A size with a unit: 512MiB, 1GiB, 2GB.", examples: ["512MiB"] }),
);
