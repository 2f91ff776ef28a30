/**
 * Settings for every git command that AgentCore runs. A repository's configuration names programs (monitors, hooks,
 * external diffs), and a worker can write that configuration. The box around git is the boundary; these settings prevent
 * such programs from starting at all, unless that would change what git stores or checks out.
 *
 * `filter.*` stays on. A clean or smudge filter (Git LFS, git-crypt) decides what is stored; without it, a snapshot would
 * hold other bytes than the repository's commits. See `docs/adr`.
 */
import { programEnvironment } from "../environment.ts";

/** Overrides the configuration of the system, the user and the repository; git passes it on to submodules. */
const configuration: Readonly<Record<string, string>> = {
  "core.fsmonitor": "false",
  "core.hooksPath": "/dev/null",
  "commit.gpgSign": "false",
  "gc.auto": "0",
  "log.showSignature": "false",
  "maintenance.auto": "false",
  "submodule.recurse": "false",
};

/**
 * The environment of git: that of AgentCore's own programs, so that the user's configuration applies (`safe.directory`,
 * ignored files, line endings, filters), without the caller's `GIT_*`, which would point to another repository. No
 * questions, pager, editor or network, no locks on the user's index; messages in English.
 */
export function gitEnvironment(
  hostEnv: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  return {
    ...programEnvironment(hostEnv),
    GIT_ALLOW_PROTOCOL: "",
    GIT_ASKPASS: "",
    GIT_EDITOR: ":",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_PAGER: "cat",
    GIT_SSH_COMMAND: "false",
    GIT_TERMINAL_PROMPT: "0",
    LC_ALL: "C",
    ...configEnvironment(),
  };
}

function configEnvironment(): Record<string, string> {
  const pairs = Object.entries(configuration).flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return { ...Object.fromEntries(pairs), GIT_CONFIG_COUNT: String(pairs.length / 2) };
}

/** Commands that may show a diff with a program from the configuration. */
const comparing: ReadonlySet<string> = new Set([
  "diff",
  "diff-files",
  "diff-index",
  "diff-tree",
  "log",
  "show",
]);

/** Adds the options that no configuration can express. `args` may start with `-c NAME=VALUE`. */
export function hardenedArgs(args: readonly string[]): readonly string[] {
  let at = 0;
  while (args[at] === "-c") at += 2;
  const command = args[at];
  if (command === undefined || !comparing.has(command)) return args;
  return [...args.slice(0, at + 1), "--no-ext-diff", "--no-textconv", ...args.slice(at + 1)];
}
