/** The scripts and URLs of notifications with their `${{ … }}` replaced. Pure. */
import { fillIn, textOfValue, valueOf, type Lookup } from "../expression.ts";
import type { InputValues } from "../inputs.ts";
import { placeholdersOf } from "../placeholder.ts";
import { scriptWithValues } from "../shell-script.ts";

/** The name in `secrets.NAME`; null for another expression. */
export function secretIn(expression: string): string | null {
  return /^secrets\.([A-Za-z_]\w*)$/.exec(expression)?.[1] ?? null;
}

/** Values become variables: those of secrets have their own names, which the job sets. */
export function notifyScript(
  text: string,
  inputs: InputValues,
): { readonly script: string; readonly env: Readonly<Record<string, string>> } {
  const env: Record<string, string> = {};
  const script = scriptWithValues(text, (expression) => {
    const secret = secretIn(expression);
    if (secret !== null) return secret;
    const name = `AGENTCORE_VALUE_${Object.keys(env).length + 1}`;
    env[name] = textOfValue(valueOf(expression, inputsOnly(inputs)));
    return name;
  });
  return { script, env };
}

export function notifyUrl(
  text: string,
  inputs: InputValues,
  secretValue: (name: string) => string | undefined,
): string {
  let from = 0;
  const parts: string[] = [];
  for (const { expression, start, end } of placeholdersOf(text)) {
    const secret = secretIn(expression);
    if (secret === null) continue;
    parts.push(fillIn(text.slice(from, start), inputsOnly(inputs)), secretValue(secret) ?? "");
    from = end;
  }
  return [...parts, fillIn(text.slice(from), inputsOnly(inputs))].join("");
}

function inputsOnly(inputs: InputValues): Lookup {
  return ([root, name = ""]) =>
    root === "inputs" && Object.hasOwn(inputs, name) ? (inputs[name] ?? null) : null;
}
