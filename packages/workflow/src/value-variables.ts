/** The environment variables that inputs and matrix values become in the jobs of a step. Pure. */
import { textOfValue } from "./expression.ts";
import type { InputValues } from "./inputs.ts";

const variableWith = (prefix: string, name: string): string =>
  `${prefix}${name.toUpperCase().replaceAll(/[^A-Z0-9_]/g, "_")}`;

export const inputVariable = (name: string): string => variableWith("AGENTCORE_INPUT_", name);
export const matrixVariable = (name: string): string => variableWith("AGENTCORE_MATRIX_", name);

/** Longest value in bytes. Linux starts no program with a longer variable. */
const valueBytesMax = 120_000;

/** A value that no variable can hold is left out: the instructions of an agent may use it all the same. */
export function valueVariables(
  inputs: InputValues,
  matrix: ReadonlyMap<string, string>,
): Readonly<Record<string, string>> {
  const variables = [
    ...Object.entries(inputs).map(([name, value]) => [inputVariable(name), textOfValue(value)] as const),
    ...[...matrix].map(([name, value]) => [matrixVariable(name), value] as const),
  ];
  return Object.fromEntries(
    variables.filter(([, value]) => !value.includes("\0") && Buffer.byteLength(value) <= valueBytesMax),
  );
}
