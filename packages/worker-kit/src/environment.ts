/**
 * Builds the environment of a worker: an allow-list, never the caller's whole environment. It has a basis (PATH, language,
 * time zone), HOME, the adapter's variables for its provider, the task's variables, and the markers that identify the
 * worker's processes. Pure functions; the runner calls {@link workerEnvironment} once per run.
 */
import { join } from "node:path";
import { AgentCoreError, forbiddenEffect, type SpendGateAccess } from "@agentcore/contract";
import { pickEnv } from "./adapter-settings.ts";

type HostEnv = Readonly<Record<string, string | undefined>>;

/** Inherited unchanged from the caller, together with `LC_*`. */
const inheritedNames: readonly string[] = ["PATH", "LANG", "LANGUAGE", "TZ", "USER", "LOGNAME"];

/** Inherited only if the worker uses the caller's HOME. */
const userDirectoryNames: readonly string[] = [
  "XDG_CONFIG_HOME",
  "XDG_CACHE_HOME",
  "XDG_DATA_HOME",
  "XDG_STATE_HOME",
];

const defaultPath = "/usr/local/bin:/usr/bin:/bin";

const proxyNames: readonly string[] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
const noProxyNames: readonly string[] = ["NO_PROXY", "no_proxy"];
const certificateNames: readonly string[] = [
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "NODE_EXTRA_CA_CERTS",
  "REQUESTS_CA_BUNDLE",
];

/**
 * Variables for a proxy or a private certificate authority, if the caller has set them. They are not part of the
 * allow-list, because a proxy address may contain a password: an adapter adds them to its plan if its worker calls a
 * provider. `spendGate`: that of the plan; requests to it then take no proxy.
 */
export function networkEnvironment(hostEnv: HostEnv, spendGate?: SpendGateAccess): Record<string, string> {
  const proxies = pickEnv(hostEnv, [...proxyNames, ...proxyNames.map((name) => name.toLowerCase())]);
  const found = pickEnv(hostEnv, noProxyNames);
  const certificates = pickEnv(hostEnv, certificateNames);
  if (spendGate === undefined || Object.keys(proxies).length === 0)
    return { ...proxies, ...found, ...certificates };
  const direct = [...new Set(["127.0.0.1", "localhost", ...Object.values(found)])].join(",");
  return { ...proxies, NO_PROXY: direct, no_proxy: direct, ...certificates };
}

/** For short programs that AgentCore runs (`--version`): the basis, and the caller's HOME. */
export function programEnvironment(hostEnv: HostEnv): Record<string, string> {
  return { ...basis(hostEnv), ...pickEnv(hostEnv, ["HOME", ...userDirectoryNames]) };
}

export interface WorkerEnvironmentRequest {
  readonly hostEnv: HostEnv;
  /** From the plan: an empty HOME at `<attemptDir>/home`, or the caller's. */
  readonly home: "own" | "user";
  readonly attemptDir: string;
  /** Variables of the caller that the configuration passes on; they override the adapter's. */
  readonly passedNames?: readonly string[];
  /** The adapter's variables. */
  readonly planEnv: Readonly<Record<string, string>>;
  /** The task's variables; they override the adapter's. */
  readonly taskEnv: Readonly<Record<string, string>>;
  /** `AGENTCORE_RUN_ID` and similar variables; they override everything. */
  readonly marks: Readonly<Record<string, string>>;
}

/** Throws `AC_JOB_INVALID` or `AC_ADAPTER_INVALID` for a name that no worker gets, or that is not a valid name. */
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

/** Set by the runner for every worker. A scheduler may set other `AGENTCORE_` variables, such as those of workflow steps. */
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
        ? "the runner sets it, and recognizes the worker's processes by it"
        : `it would ${effect}; set it inside the script if it must be there`;
    throw new AgentCoreError(code, `${where} may not set ${name}: ${cure}`, { evidence: { variable: name } });
  }
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || value?.includes("\0") === true) {
    throw new AgentCoreError(code, `${where}: ${JSON.stringify(name)} cannot be an environment variable`, {
      evidence: { variable: name },
    });
  }
}
