/** Collects the values that a job's scripts refer to; each becomes an environment variable of the job. */
import { textOfValue, valueOf, type Lookup } from "./expression.ts";
import { scriptWithValues } from "./shell-script.ts";

export class ScriptValues {
  readonly #lookup: Lookup;
  readonly #names = new Map<string, string>();

  constructor(lookup: Lookup) {
    this.#lookup = lookup;
  }

  /** The script with references in place of its `${{ … }}`. */
  script(text: string): string {
    return scriptWithValues(text, (expression) => this.#nameOf(expression));
  }

  /** What the scripts so far refer to. */
  environment(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      [...this.#names].map(([expression, name]) => [name, textOfValue(valueOf(expression, this.#lookup))]),
    );
  }

  /** Equal expressions share a variable. */
  #nameOf(expression: string): string {
    const name = this.#names.get(expression) ?? `AGENTCORE_VALUE_${this.#names.size + 1}`;
    this.#names.set(expression, name);
    return name;
  }
}
