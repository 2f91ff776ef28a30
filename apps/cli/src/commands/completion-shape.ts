/** The command line as completion scripts need it. */

export interface CommandShape {
  /** The words after `agentcore`: `run`, or `jobs list`. */
  readonly path: string;
  readonly description: string;
  readonly options: readonly OptionShape[];
  readonly subcommands: readonly string[];
  /** Of its arguments; null if it takes none. */
  readonly argument: Values | null;
}

export interface OptionShape {
  readonly flags: readonly string[];
  readonly description: string;
  /** Null: a switch. */
  readonly values: Values | null;
}

export type Values =
  | { readonly kind: "words"; readonly words: readonly string[] }
  /** Separated by commas. */
  | { readonly kind: "list"; readonly words: readonly string[] }
  | { readonly kind: "files" }
  | { readonly kind: "directories" }
  | { readonly kind: "anything" }
  /** Known only while completing: the output of `agentcore __complete WHAT`. */
  | { readonly kind: "asked"; readonly what: "jobs" | "dead" | "runs" | "workers" | "triggers" | "tokens" };
