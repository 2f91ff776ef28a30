/** The most output tokens of one response, by model. The list of prices does not know them. The first match counts. */
const ceilings: readonly (readonly [RegExp, number])[] = [
  [/^claude-/, 128_000],
  [/^gpt-3\.5/, 4096],
  [/^gpt-4o/, 16_384],
  [/^gpt-4\.1/, 32_768],
  [/^gpt-4-turbo/, 4096],
  [/^gpt-4(-|$)/, 8192],
  [/^gpt-5[.\d]*-chat/, 16_384],
  [/^gpt-5-pro/, 272_000],
  [/^gpt-[5-9]/, 128_000],
  [/^o1-mini/, 65_536],
  [/^o1-preview/, 32_768],
  [/^o[134]/, 100_000],
];

/** Null if the model is not known. A provider's prefix in the name makes no difference. */
export function outputCeilingOf(model: string): number | null {
  const name = model.slice(model.lastIndexOf("/") + 1).toLowerCase();
  return ceilings.find(([pattern]) => pattern.test(name))?.[1] ?? null;
}
