/** The texts of a step with their `${{ … }}` replaced. Its dependencies have ended, so what they left is known. */
import { fillIn, valueIn, type Lookup, type Value } from "../expression.ts";
import type { InputValues } from "../inputs.ts";
import type { StepInstance } from "../plan/step-instance.ts";
import { outputsIn } from "../records/outputs-in.ts";
import type { RunRecord } from "../records/run-record.ts";
import { ScriptValues } from "../script-values.ts";
import { valueVariables } from "../value-variables.ts";

export class StepTexts {
  readonly #lookup: Lookup;
  readonly #scripts: ScriptValues;
  readonly #inputs: InputValues;
  readonly #runEnv: Readonly<Record<string, string>>;
  readonly #matrix: StepInstance["matrix"];

  constructor(record: RunRecord, { lookup, matrix }: StepInstance) {
    this.#lookup = lookup(outputsIn(record));
    this.#scripts = new ScriptValues(this.#lookup);
    this.#inputs = record.created.inputs;
    this.#runEnv = record.created.env ?? {};
    this.#matrix = matrix;
  }

  fill(text: string): string {
    return fillIn(text, this.#lookup);
  }

  /** As `fill`, but a text that is only a placeholder keeps the type of its value. */
  value(text: string): Value {
    return valueIn(text, this.#lookup);
  }

  /** A script gets references to variables, which `environment` sets. */
  script(text: string): string {
    return this.#scripts.script(text);
  }

  /** For scripts, references; for agents, the text itself. */
  instructions(worker: string, text: string): string {
    return worker === "shell" ? this.script(text) : this.fill(text);
  }

  /** The variables of the run and, over them, of the step, its inputs and matrix values, and what the scripts so far refer to. */
  environment(env: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
    return {
      ...this.#runEnv,
      ...Object.fromEntries([...env].map(([name, text]) => [name, this.fill(text)])),
      ...valueVariables(this.#inputs, this.#matrix),
      ...this.#scripts.environment(),
    };
  }
}
