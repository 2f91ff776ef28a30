/**
 * The environment of a worker: an allow-list, never the caller's whole environment. What the worker gets is a basis
 * (PATH, language, time zone), a HOME, what its adapter adds for its provider, what the task names, and the marks by which
 * its processes are recognised. Pure functions; the runner calls {@link workerEnvironment} once per run.
 */
import { join } from "node:path";
import { AgentCoreError } from "@agentcore/contract";
import { pickEnv } from "./adapter-settings.ts";
import { forbiddenEffect } from "./variables.ts";

type HostEnv = Readonly<Record<string, string | undefined>>;

/** Inherited from the caller as they are. `LC_*` besides. */
const inheritedNames: readonly string[] = ["PATH", "LANG", "LANGUAGE", "TZ", "USER", "LOGNAME"];

/** Inherited only where the worker uses the caller's own HOME. */
const userDirectoryNames: readonly string[] = [
  "XDG_CONFIG_HOME",
  "XDG_CACHE_HOME",
  "XDG_DATA_HOME",
  "XDG_STATE_HOME",
];

const defaultPath = "/usr/local/bin:/usr/bin:/bin";

/**
 * Variables that a worker needs behind a proxy or a private certificate authority, where the caller has set them. Not part
 * of the allow-list, since a proxy address may carry a password: an adapter adds them to its plan if its worker talks to
 * a provider.
 */
export function networkEnvironment(hostEnv: HostEnv): Record<string, string> {
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];
  const certificates = ["SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"];
  return pickEnv(hostEnv, [...names, ...names.map((name) => name.toLowerCase()), ...certificates]);
}

/** For programs that AgentCore itself runs for a moment (`--version`): the basis, and the caller's HOME. */
export function programEnvironment(hostEnv: HostEnv): Record<string, string> {
  return { ...basis(hostEnv), ...pickEnv(hostEnv, ["HOME", ...userDirectoryNames]) };
}

export interface WorkerEnvironmentRequest {
  readonly hostEnv: HostEnv;
  /** As in the plan: an empty HOME at `<attemptDir>/home`, or the caller's. */
  readonly home: "own" | "user";
  readonly attemptDir: string;
  /** Names that the configuration lets through as the caller has them; they win over the adapter. */
  readonly passedNames?: readonly string[];
  /** What the adapter adds. */
  readonly planEnv: Readonly<Record<string, string>>;
  /** What the task names; wins over the adapter. */
  readonly taskEnv: Readonly<Record<string, string>>;
  /** `AGENTCORE_RUN_ID` and its like; win over everything. */
  readonly marks: Readonly<Record<string, string>>;
}

/** Throws `AC_JOB_INVALID` or `AC_ADAPTER_INVALID` for a name that no worker gets, or that is no name. */
export function workerEnvironment(request: WorkerEnvironmentRequest): Record<string, string> {
  const { hostEnv, attemptDir, planEnv, taskEnv } = request;
  for (const name of Object.keys(planEnv))
    checkName(name, planEnv[name], "AC_ADAPTER_INVALID", "the adapter's env");
  for (const name of Object.keys(taskEnv)) checkName(name, taskEnv[name], "AC_JOB_INVALID", "the task's env");
  return {
    ...basis(hostEnv),
    ...(request.home === "own" ? ownDirectories(attemptDir) : userDirectories(hostEnv, attemptDir)),
    TMPDIR: join(attemptDir, "tmp"),
    ...planEnv,
    ...pickEnv(hostEnv, request.passedNames ?? []),
    ...taskEnv,
    ...request.marks,
  };
}

function basis(hostEnv: HostEnv): Record<string, string> {
  const locale = Object.keys(hostEnv).filter((name) => name.startsWith("LC_"));
  return { PATH: defaultPath, TERM: "dumb", ...pickEnv(hostEnv, [...inheritedNames, ...locale]) };
}

function ownDirectories(attemptDir: string): Record<string, string> {
  const home = join(attemptDir, "home");
  return {
    HOME: home,
    XDG_CONFIG_HOME: join(home, ".config"),
    XDG_CACHE_HOME: join(home, ".cache"),
    XDG_DATA_HOME: join(home, ".local/share"),
    XDG_STATE_HOME: join(home, ".local/state"),
  };
}

function userDirectories(hostEnv: HostEnv, attemptDir: string): Record<string, string> {
  return { HOME: join(attemptDir, "home"), ...pickEnv(hostEnv, ["HOME", ...userDirectoryNames]) };
}

/** Set by the runner for every worker; a scheduler may name others of ours, such as those that a workflow's steps get. */
const marks: readonly string[] = ["AGENTCORE_RUN_ID", "AGENTCORE_JOB_ID", "AGENTCORE_ATTEMPT"];

function checkName(
  name: string,
  value: string | undefined,
  code: "AC_ADAPTER_INVALID" | "AC_JOB_INVALID",
  where: string,
): void {
  const effect = forbiddenEffect(name);
  if (effect !== null || marks.includes(name)) {
    const cure =
      effect === null
        ? "the runner sets it, and recognises the worker's processes by it"
        : `it would ${effect}; set it inside the script if it must be there`;
    throw new AgentCoreError(code, `${where} may not set ${name}: ${cure}`, { evidence: { variable: name } });
  }
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || value?.includes("\0") === true) {
    throw new AgentCoreError(code, `${where}: ${JSON.stringify(name)} cannot be an environment variable`, {
      evidence: { variable: name },
    });
  }
}
