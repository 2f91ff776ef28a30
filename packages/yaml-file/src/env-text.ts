/**
 * Expands `${NAME}` in a value of a file to the environment variable with that name, only in fields whose description says
 * so. An unset variable is an error, never an empty text; `$${` stands for `${`.
 */
import * as z from "zod";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Undefined if it is not set. Every object has a `constructor`, including the environment. */
export function variableOf(env: Environment, name: string): string | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined;
}

const reference = /\$(\$)?\{([^}]*)\}/g;

/** A text field that expands `${NAME}`. */
export function envText(env: Environment) {
  return z.string().transform((text, context) =>
    text.replaceAll(reference, (whole, escaped: string | undefined, name: string) => {
      if (escaped !== undefined) return whole.slice(1);
      const value = variableOf(env, name);
      if (value !== undefined) return value;
      context.addIssue({ code: "custom", message: `the environment variable ${name} is not set` });
      return whole;
    }),
  );
}
