/** The scripts and URLs of notifications with their `${{ … }}` replaced. Pure. */
import { fillIn } from "../expression.ts";
import { inputLookup, type InputValues } from "../inputs.ts";
import { ScriptValues } from "../script-values.ts";

/** The name in `secrets.NAME`; null for another expression. */
export function secretIn(expression: string): string | null {
  return /^secrets\.([A-Za-z_]\w*)$/.exec(expression)?.[1] ?? null;
}

/** Values become variables: those of secrets have their own names, which the job sets. */
export function notifyScript(
  text: string,
  inputs: InputValues,
): { readonly script: string; readonly env: Readonly<Record<string, string>> } {
  const values = new ScriptValues(inputLookup(inputs), secretIn);
  return { script: values.script(text), env: values.environment() };
}

export function notifyUrl(
  text: string,
  inputs: InputValues,
  secretValue: (name: string) => string | undefined,
): string {
  const ofInputs = inputLookup(inputs);
  return fillIn(text, (path) => {
    const [root, name = ""] = path;
    return root === "secrets" ? (secretValue(name) ?? null) : ofInputs(path);
  });
}
