/** Cures for what expressions of other systems may hold and those of this one may not. */

const roots: Readonly<Record<string, string>> = {
  env: "write inputs.NAME, or read $NAME in the script",
  vars: "declare it in inputs and write inputs.NAME",
  github: "declare it in inputs and write inputs.NAME",
  runner: "declare it in inputs and write inputs.NAME",
  needs: "write steps.ID.status or steps.ID.outputs.NAME",
  jobs: "write steps.ID.status or steps.ID.outputs.NAME",
  strategy: "write matrix.NAME",
};

const signs: Readonly<Record<string, string>> = {
  and: "write && for and",
  or: "write || for or",
  not: "write ! for not",
};

const functions: Readonly<Record<string, string>> = {
  ...signs,
  failed: "write failure()",
  succeeded: "write success()",
  fromJSON: "leave it out: a value that is a JSON list is read as one in matrix",
  toJSON: "leave it out: a list is a JSON text already",
  hashFiles: "name the files in the step's cache: { key: [FILES] }",
};

const wordPattern = /^[A-Za-z_]\w*$/;

/** For a name that no reference begins with. */
export function cureOfName(name: string): string {
  const [root = ""] = name.split(".");
  const cures = { ...roots, ...signs };
  const cure = Object.hasOwn(cures, root) ? cures[root] : undefined;
  if (cure !== undefined) return `; ${cure}`;
  return wordPattern.test(name) ? `; a text needs quotes: '${name}'` : "";
}

/** For a function that there is not. */
export function cureOfFunction(name: string): string {
  const cure = Object.hasOwn(functions, name) ? functions[name] : undefined;
  return cure ?? "let an earlier step compute it and write the result as a value";
}
