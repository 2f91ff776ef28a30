/**
 * Environment variables that affect more than a worker's own work: one list for the environment of workers, the
 * configuration, workflow files and the command line.
 */

interface VariableRule {
  readonly names: readonly string[];
  /** Names with this prefix count too. */
  readonly prefixes?: readonly string[];
  /** Its effect, as text after "it would". */
  readonly effect: string;
}

/** No worker gets these, no matter where they are set. */
const refused: readonly VariableRule[] = [
  {
    // They lead to running servers that could start processes outside any container.
    names: [
      "DOCKER_HOST",
      "TMUX",
      "TMUX_PANE",
      "STY",
      "SSH_AUTH_SOCK",
      "SSH_AGENT_PID",
      "GPG_AGENT_INFO",
      "XDG_RUNTIME_DIR",
      "DBUS_SESSION_BUS_ADDRESS",
      "DBUS_SYSTEM_BUS_ADDRESS",
    ],
    effect: "reach outside the container",
  },
  {
    names: ["GLIBC_TUNABLES", "BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS"],
    prefixes: ["LD_", "DYLD_", "BASH_FUNC_"],
    effect: "make the programs that contain the worker run other code",
  },
  {
    names: [
      "GIT_DIR",
      "GIT_COMMON_DIR",
      "GIT_WORK_TREE",
      "GIT_INDEX_FILE",
      "GIT_OBJECT_DIRECTORY",
      "GIT_ALTERNATE_OBJECT_DIRECTORIES",
      "GIT_NAMESPACE",
      "GIT_EXEC_PATH",
    ],
    effect: "make git work on something else than the workspace",
  },
];

/** Allowed, because they have legitimate uses; the command line explains their effect. */
const loaders: readonly VariableRule[] = [
  {
    names: ["NODE_OPTIONS", "NODE_PATH", "NODE_COMPILE_CACHE"],
    effect: "change what every Node program of the run loads",
  },
  {
    names: [
      "PYTHONSTARTUP",
      "PYTHONPATH",
      "PYTHONHOME",
      "PYTHONINSPECT",
      "PYTHONBREAKPOINT",
      "PYTHONUSERBASE",
    ],
    effect: "change what every Python program of the run loads",
  },
  { names: ["PERL5OPT", "PERL5LIB", "PERLLIB", "PERL5DB"], effect: "change what every Perl program loads" },
  { names: ["RUBYOPT", "RUBYLIB"], effect: "change what every Ruby program loads" },
  {
    names: ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"],
    effect: "change what every Java program loads",
  },
  {
    names: ["npm_config_script_shell", "npm_config_node_options", "npm_config_git", "npm_config_userconfig"],
    effect: "change which programs npm runs",
  },
  {
    names: [
      "GIT_ASKPASS",
      "SSH_ASKPASS",
      "GIT_EDITOR",
      "GIT_SEQUENCE_EDITOR",
      "GIT_PAGER",
      "GIT_EXTERNAL_DIFF",
      "GIT_PROXY_COMMAND",
      "GIT_TEMPLATE_DIR",
    ],
    prefixes: ["GIT_CONFIG", "GIT_SSH"],
    effect: "change which programs git runs",
  },
];

/** Every name of the first list, except names that only a prefix covers. */
export const forbiddenVariables: readonly string[] = refused.flatMap(({ names }) => names);

/** The effect of a variable that no worker gets; null for an allowed variable. */
export function forbiddenEffect(name: string): string | null {
  return effectIn(refused, name);
}

/** The effect of a variable on programs that the worker starts, if it has one; else null. */
export function loaderEffect(name: string): string | null {
  return effectIn(loaders, name);
}

function effectIn(rules: readonly VariableRule[], name: string): string | null {
  const rule = rules.find(
    ({ names, prefixes = [] }) => names.includes(name) || prefixes.some((prefix) => name.startsWith(prefix)),
  );
  return rule?.effect ?? null;
}
