/** Collects the values that a job's scripts refer to; each becomes an environment variable of the job. */
import { scriptWithValues } from "@agentcore/yaml-file";
import { textOfValue, valueOf, type Lookup } from "./expression.ts";
import { placeholderAt } from "./placeholder.ts";

export class ScriptValues {
  readonly #lookup: Lookup;
  readonly #variableOf: (expression: string) => string | null;
  readonly #names = new Map<string, string>();

  /** `variableOf`: the variable that holds the value already; null: there is none. */
  constructor(lookup: Lookup, variableOf: (expression: string) => string | null = () => null) {
    this.#lookup = lookup;
    this.#variableOf = variableOf;
  }

  /** The script with references in place of its `${{ … }}`. */
  script(text: string): string {
    return scriptWithValues(text, (all, at) => {
      const placeholder = placeholderAt(all, at);
      return placeholder && { variable: this.#nameOf(placeholder.expression), end: placeholder.end };
    });
  }

  /** What the scripts so far refer to. */
  environment(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      [...this.#names].map(([expression, name]) => [name, textOfValue(valueOf(expression, this.#lookup))]),
    );
  }

  /** Equal expressions share a variable. */
  #nameOf(expression: string): string {
    const own = this.#variableOf(expression);
    if (own !== null) return own;
    const name = this.#names.get(expression) ?? `AGENTCORE_VALUE_${this.#names.size + 1}`;
    this.#names.set(expression, name);
    return name;
  }
}
