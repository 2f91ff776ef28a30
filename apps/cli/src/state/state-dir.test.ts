import { expect, it, onTestFinished } from "vitest";
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoadedConfig } from "../config/load.ts";
import { createStateDir, resolveStateDir } from "./state-dir.ts";
import { canMount, makeScratch, startAgentcore } from "../testing/agentcore-process.ts";

const loaded = (path: string | null, stateDir?: string): LoadedConfig =>
  ({ source: path === null ? null : { path }, config: { state_dir: stateDir } }) as LoadedConfig;

it.each([
  ["the option, from the working directory", "s", loaded("/etc/agentcore.yaml", "/conf"), {}, "/cwd/s"],
  [
    "the configuration, from its file",
    undefined,
    loaded("/etc/agentcore.yaml", "./s"),
    { HOME: "/h" },
    "/etc/s",
  ],
  ["XDG_STATE_HOME", undefined, loaded(null), { HOME: "/h", XDG_STATE_HOME: "/x" }, "/x/agentcore"],
  [
    "HOME, where XDG_STATE_HOME is relative",
    undefined,
    loaded(null),
    { HOME: "/h", XDG_STATE_HOME: "x" },
    "/h/.local/state/agentcore",
  ],
])("state is kept where it is named by %s", (_case, option, config, env, expected) => {
  expect(resolveStateDir(option, config, "/cwd", env).path).toBe(expected);
});

it("without any of them the option is asked for", () => {
  expect(() => resolveStateDir(undefined, loaded(null), "/cwd", {})).toThrow("--state-dir");
});

it.each([
  [
    "can write to it",
    (path: string) => chmodSync(path, 0o777),
    /every user can write to .*s; make it writable/,
  ],
  ["can replace it", (path: string) => chmodSync(join(path, ".."), 0o777), /every user can write to /],
])("one is refused where another user %s", (_what, open, message) => {
  const root = mkdtempSync(join(tmpdir(), "agentcore-state-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const state = resolveStateDir("s", loaded(null), root, {});
  createStateDir(state);
  open(state.path);
  expect(() => createStateDir(state)).toThrow(message);
});

it("is created for its owner alone, and a place that cannot be is refused", () => {
  const root = mkdtempSync(join(tmpdir(), "agentcore-state-"));
  try {
    const state = resolveStateDir("a/b", loaded(null), root, {});
    createStateDir(state);
    createStateDir(state);
    expect(statSync(state.attempts).mode & 0o777).toBe(0o700);
    writeFileSync(join(root, "file"), "");
    expect(() => createStateDir(resolveStateDir("file/x", loaded(null), root, {}))).toThrow(
      /cannot be created.*use another one/,
    );
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

it.runIf(canMount())(
  "one on a read-only file system is refused with that reason, and nothing else is tried",
  async () => {
    const scratch = makeScratch();
    onTestFinished(() => scratch.remove());
    createStateDir(resolveStateDir(scratch.stateDir, loaded(null), scratch.root, {}));
    const { code, stderr } = await startAgentcore(
      scratch,
      ["work", "--drain", "--state-dir", scratch.stateDir],
      {
        prefix: [
          "unshare",
          "-rm",
          "sh",
          "-c",
          'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"',
          scratch.stateDir,
        ],
      },
    ).finished;
    expect(code).not.toBe(0);
    expect(stderr.split("\n")[0]).toBe(
      `agentcore: the state directory ${scratch.stateDir} cannot be written: its file system is read-only (EROFS); mount it writable, or use another one`,
    );
  },
);
