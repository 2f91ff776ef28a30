import { describe, expect, it } from "vitest";
import { networkEnvironment, programEnvironment, workerEnvironment } from "./environment.ts";
import { forbiddenVariables, loaderEffect } from "@agentcore/contract";

const hostEnv = {
  PATH: "/bin",
  LANG: "de_DE.UTF-8",
  LC_ALL: "C",
  TZ: "Europe/Berlin",
  HOME: "/home/me",
  XDG_CONFIG_HOME: "/home/me/.conf",
  TERM: "xterm-256color",
  NODE_OPTIONS: "--require ./spy.js",
  AWS_SECRET_ACCESS_KEY: "secret",
  ANTHROPIC_API_KEY: "secret",
  HTTPS_PROXY: "http://proxy:1",
  ...Object.fromEntries(forbiddenVariables.map((name) => [name, "secret"])),
};

const request = {
  hostEnv,
  home: "own" as const,
  attemptDir: "/attempt",
  planEnv: {},
  taskEnv: {},
  marks: { AGENTCORE_RUN_ID: "r1" },
};

describe("the environment of a worker", () => {
  it("holds nothing for a name that every object has", () => {
    const passedNames = ["constructor", "toString", "__proto__"];
    expect(workerEnvironment({ ...request, passedNames })).toEqual(workerEnvironment(request));
  });

  it("is an allow-list with a HOME of its own", () => {
    expect(workerEnvironment(request)).toEqual({
      PATH: "/bin",
      LANG: "de_DE.UTF-8",
      LC_ALL: "C",
      TZ: "Europe/Berlin",
      TERM: "dumb",
      HOME: "/attempt/home",
      XDG_CONFIG_HOME: "/attempt/home/.config",
      XDG_CACHE_HOME: "/attempt/home/.cache",
      XDG_DATA_HOME: "/attempt/home/.local/share",
      XDG_STATE_HOME: "/attempt/home/.local/state",
      TMPDIR: "/attempt/tmp",
      AGENTCORE_RUN_ID: "r1",
    });
  });

  it("has the caller's HOME where the worker relies on its own login", () => {
    const env = workerEnvironment({ ...request, home: "user" });
    expect(env).toMatchObject({
      HOME: "/home/me",
      XDG_CONFIG_HOME: "/home/me/.conf",
      TMPDIR: "/attempt/tmp",
    });
    expect(env).not.toHaveProperty("XDG_CACHE_HOME");
  });

  it("has a usable PATH where the caller has none", () => {
    expect(workerEnvironment({ ...request, hostEnv: {} })["PATH"]).toBe("/usr/local/bin:/usr/bin:/bin");
  });

  it("is added to by the adapter, over it the configuration, over it the task, over it the marks", () => {
    const env = workerEnvironment({
      ...request,
      planEnv: { A: "plan", B: "plan", ANTHROPIC_API_KEY: "plan" },
      passedNames: ["ANTHROPIC_API_KEY", "NOT_SET"],
      taskEnv: { B: "task", PATH: "/task/bin" },
    });
    expect(env).toMatchObject({ A: "plan", B: "task", PATH: "/task/bin", ANTHROPIC_API_KEY: "secret" });
    expect(env).not.toHaveProperty("NOT_SET");
  });

  const byPrefix = ["LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "BASH_FUNC_x"];
  it.each([...forbiddenVariables, ...byPrefix, "AGENTCORE_RUN_ID", "AGENTCORE_JOB_ID", "AGENTCORE_ATTEMPT"])(
    "cannot be given %s by anybody",
    (name) => {
      expect(() => workerEnvironment({ ...request, taskEnv: { [name]: "x" } })).toThrow(
        `may not set ${name}`,
      );
      expect(() => workerEnvironment({ ...request, planEnv: { [name]: "x" } })).toThrow(
        `may not set ${name}`,
      );
    },
  );

  it.each(["NODE_OPTIONS", "GIT_CONFIG_COUNT", "GIT_CONFIG", "GIT_SSH_COMMAND", "PYTHONSTARTUP", "PERL5OPT"])(
    "may be given %s, of which the command line says what it does",
    (name) => {
      expect(workerEnvironment({ ...request, taskEnv: { [name]: "x" } })).toMatchObject({ [name]: "x" });
      expect(loaderEffect(name)).toMatch(/^change (?:what|which)/);
      // Of the caller's own nothing gets there unasked.
      expect(workerEnvironment({ ...request, hostEnv: { ...hostEnv, [name]: "x" } })).not.toHaveProperty(
        name,
      );
    },
  );

  it("is given what is like those names without a word", () => {
    for (const name of ["GIT_AUTHOR_NAME", "NODE_ENV", "PYTHONUNBUFFERED", "LDFLAGS"])
      expect(loaderEffect(name)).toBeNull();
  });

  it("may be given our other names, as a workflow's steps are", () => {
    const taskEnv = { AGENTCORE_STEP_ID: "build" };
    expect(workerEnvironment({ ...request, taskEnv })).toMatchObject(taskEnv);
  });

  it.each(["", "A=B", "1A", "A B", "A\0"])("cannot have a variable named %j", (name) => {
    expect(() => workerEnvironment({ ...request, taskEnv: { [name]: "x" } })).toThrow(
      "cannot be an environment",
    );
  });
});

describe("other environments", () => {
  it("give AgentCore's own short commands the basis and the caller's HOME", () => {
    expect(programEnvironment(hostEnv)).toEqual({
      PATH: "/bin",
      LANG: "de_DE.UTF-8",
      LC_ALL: "C",
      TZ: "Europe/Berlin",
      TERM: "dumb",
      HOME: "/home/me",
      XDG_CONFIG_HOME: "/home/me/.conf",
    });
  });

  it("let an adapter pick what a network needs", () => {
    expect(networkEnvironment(hostEnv)).toEqual({ HTTPS_PROXY: "http://proxy:1" });
  });

  it("names a proxy but not for the spend gate, which is on this machine", () => {
    const gate = { url: "http://127.0.0.1:9", socketPath: "/s", key: "k" };
    const direct = "127.0.0.1,localhost,.corp";
    expect(networkEnvironment({ ...hostEnv, no_proxy: ".corp" }, gate)).toEqual({
      HTTPS_PROXY: "http://proxy:1",
      NO_PROXY: direct,
      no_proxy: direct,
    });
    expect(networkEnvironment({ PATH: "/bin" }, gate)).toEqual({});
  });
});
