/** A stop of `work` on a file system that takes no more writes does not wait for the store without limit. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  agentcore,
  canMount,
  makeScratch,
  startAgentcore,
  type Scratch,
} from "../testing/agentcore-process.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

/** Runs a command with the state directory on a separate small file system, which is filled once a file exists. */
const onSmallDisk = `
state=$0 fill=$1; shift
cp -a "$state" "$state.copy" && mount -t tmpfs -o size=24m,mode=700 none "$state" && cp -a "$state.copy/." "$state/"
(
  until [ -e "$fill" ]; do kill -0 $$ 2>/dev/null || exit; sleep 0.05; done
  cat /dev/zero > "$state/filler" 2>/dev/null
  : > "$fill.done"
) > /dev/null 2>&1 &
exec "$@"`;

it.runIf(canMount())(
  "one TERM ends work in bounded time though nothing can be written any more",
  async () => {
    const { stateDir, workspace, root } = scratch;
    // The disk is small from the beginning.
    const config = join(root, "config.yaml");
    writeFileSync(config, "backpressure: { disk_free: { defer: 1KiB, reject: 1KiB } }\n");
    const state = ["--state-dir", stateDir, "--config", config];
    const fill = join(root, "fill");
    const submitted = await agentcore(scratch, [
      "submit",
      "touch began; sleep 300",
      "--worker",
      "shell",
      ...state,
    ]);
    expect(submitted.code).toBe(0);
    const prefix = ["unshare", "-rm", "bash", "-c", onSmallDisk, stateDir, fill];
    const work = startAgentcore(scratch, ["work", ...state], { prefix });
    await expect.poll(() => existsSync(join(workspace, "began"))).toBe(true);
    writeFileSync(fill, "");
    await expect.poll(() => existsSync(`${fill}.done`)).toBe(true);
    work.child.kill("SIGTERM");
    await work.saw("stopping what runs");
    const { code, signal, stderr } = await work.finished;
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    expect(stderr).toContain("database or disk is full");
  },
  60_000,
);
