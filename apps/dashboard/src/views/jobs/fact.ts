import type { Fact } from "../../parts/section.tsx";

/** A term with its value; nothing if there is none. */
export const fact = (term: string, value: Fact["value"] | null): readonly Fact[] =>
  value === null ? [] : [{ term, value }];
