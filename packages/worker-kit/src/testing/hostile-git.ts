/**
 * A git configuration that runs a program wherever git can be made to run one: monitor, every hook, filters, external diff,
 * textconv, aliases, and what it uses for the network, for signing and for editing. Each program writes down that it ran,
 * in which PID namespace and with which environment, and starts a daemon. For tests of whatever runs git.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execFileSync } from "node:child_process";

export interface HostileGit {
  /** What ran, and where: one entry for each start of a program, in no order. */
  ran(): readonly { readonly what: string; readonly namespace: string; readonly env: string }[];
  /** In the command line of every daemon that the programs start. */
  readonly token: string;
  /** `NAME=VALUE` pairs of `git config`, without filters. */
  readonly config: readonly (readonly [string, string])[];
  /** A driver for the attribute `filter=hostile`. */
  readonly filterConfig: readonly (readonly [string, string])[];
}

const hookNames = [
  "post-checkout",
  "post-index-change",
  "reference-transaction",
  "pre-commit",
  "post-commit",
  "pre-applypatch",
  "post-applypatch",
  "applypatch-msg",
  "prepare-commit-msg",
  "commit-msg",
  "post-merge",
  "post-rewrite",
  "pre-auto-gc",
  "fsmonitor-watchman",
];

/** The commands that an alias would take the place of, if git let it. */
const aliased = ["add", "apply", "diff", "ls-files", "rev-parse", "update-index", "worktree", "write-tree"];

/** Makes the programs in a directory, which must not be in the repository; nothing is configured yet. */
export function makeHostileGit(directory: string): HostileGit {
  const token = `6${Math.floor(Math.random() * 1e8)}`;
  const records = join(directory, "ran");
  const hooks = join(directory, "hooks");
  mkdirSync(records, { recursive: true });
  mkdirSync(hooks);
  const program = (what: string, rest = ""): string => {
    const path = join(directory, what);
    const record = `r=${records}/$$-${what.replaceAll("/", "_")}`;
    const note = `readlink /proc/self/ns/pid > $r.part; env >> $r.part; mv $r.part $r`;
    const daemon = `setsid sh -c 'trap "" TERM HUP; sleep ${token}' >/dev/null 2>&1 </dev/null &`;
    writeFileSync(path, `#!/bin/sh\n${record}\n${note}\n${daemon}\n${rest}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  for (const name of hookNames) program(`hooks/${name}`, "exit 1");
  const clean = program("clean", "exec cat");
  const smudge = program("smudge", "exec cat");
  return {
    token,
    config: [
      ["core.fsmonitor", program("monitor", "exit 1")],
      ["core.hooksPath", hooks],
      ["core.editor", program("editor")],
      ["core.pager", program("pager", "exec cat")],
      ["core.sshCommand", program("ssh")],
      ["core.gitProxy", program("proxy")],
      ["core.askPass", program("askpass")],
      ["credential.helper", program("credential")],
      ["gpg.program", program("gpg")],
      ["commit.gpgSign", "true"],
      ["diff.external", program("external-diff")],
      ["diff.hostile.textconv", program("textconv", 'exec cat "$1"')],
      ["diff.hostile.command", program("diff-driver")],
      ["submodule.recurse", "true"],
      ["pager.diff", "true"],
      ...aliased.map((name): [string, string] => [`alias.${name}`, `!${program(`alias-${name}`)}`]),
    ],
    filterConfig: [
      ["filter.hostile.clean", clean],
      ["filter.hostile.smudge", smudge],
    ],
    ran: () =>
      (existsSync(records) ? readdirSync(records) : [])
        .filter((name) => !name.endsWith(".part"))
        .map((name) => {
          const text = readFileSync(join(records, name), "utf8");
          const line = text.indexOf("\n");
          return {
            what: name.slice(name.indexOf("-") + 1),
            namespace: text.slice(0, line),
            env: text.slice(line + 1),
          };
        }),
  };
}

/** As a worker does it, or as the user does with `file`: a configuration file, which is made. */
export function configureGit(
  cwd: string,
  entries: readonly (readonly [string, string])[],
  file?: string,
): void {
  const where = file === undefined ? [] : ["--file", file];
  for (const [name, value] of entries) execFileSync("git", ["config", ...where, name, value], { cwd });
}
