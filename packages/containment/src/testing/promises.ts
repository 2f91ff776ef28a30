/**
 * What a sealed box promises of the payload's surroundings, as scripts that end with 0 where the promise holds. `$1` is a
 * hidden directory with a file `secret` and a directory `own` that is visible.
 */
import { spawn } from "node:child_process";
import { mkdirSync, openSync, closeSync, writeFileSync, chmodSync } from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { ImplementationName } from "../port.ts";

export const promises: Readonly<Record<string, string>> = {
  "it has no capability and gets none": `
    for set in Inh Prm Eff Amb; do grep -q "^Cap$set:.0000000000000000" /proc/self/status || exit 1; done
    grep -q "^NoNewPrivs:.1" /proc/self/status`,
  "it sees no process of the machine, also not below its /proc": `
    umount -l /proc; umount /proc
    ! cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -q 'testing/superviso[r]'`,
  "it enters no other namespace, mounts nothing and makes no device": `
    ! nsenter -t 1 -m -p true && ! mount -t tmpfs none /mnt && ! mknod "$1/own/node" b 7 0`,
  "it changes no setting of the kernel": `
    ! (: >>/proc/sys/kernel/printk_ratelimit) && ! (: >>/proc/sysrq-trigger)
    [ $? = 0 ] && command -v find && writable=$(find /sys/kernel /sys/fs -maxdepth 3 -type f -writable -print -quit; true)
    [ $? = 0 ] && { [ -z "$writable" ] || { echo "$writable can be written to" >&2; false; }; }`,
  "its /dev is its own, without terminals and disks": `
    [ "$(ls /dev/pts)" = ptmx ] && [ -z "$(find /dev -type b)" ] && ! [ -e /dev/console ] && ! (: </dev/tty)
    [ $? = 0 ] && echo >/dev/null && head -c 1 /dev/urandom >/dev/null && echo >/dev/shm/mine && [ -e /dev/fd/0 ]`,
  "it has the three descriptors and no other": `
    [ -z "$(ls /proc/self/fd | grep -vx '[0-3]')" ]`,
  "it leaves no memory dump behind": `
    [ "$(ulimit -c)" = 0 ] && ! (ulimit -c 1 2>/dev/null)`,
  "of a hidden directory it has what is visible and nothing else": `
    [ "$(ls -A "$1")" = own ] && ! cat "$1/secret" && ! (echo >"$1/planted") && echo >"$1/own/mine" &&
    ! mv "$1" "$1-moved"`,
};

/** Descriptors that whoever started the supervisor forgot to close. */
const strayDescriptors = [200, 251];

/** Names of the promises that are not kept, with what the script said. `uid` null: as we are. Another one only as root. */
export async function brokenPromises(
  implementation: ImplementationName,
  uid: number | null,
  stateDir: string,
): Promise<readonly string[]> {
  const hidden = path.join(stateDir, "hidden");
  mkdirSync(path.join(hidden, "own"), { recursive: true });
  writeFileSync(path.join(hidden, "secret"), "");
  for (const each of [stateDir, hidden, path.join(hidden, "own")]) chmodSync(each, 0o777);
  const isSource = import.meta.url.endsWith(".ts");
  const file = fileURLToPath(new URL(`./keep-promises.${isSource ? "ts" : "js"}`, import.meta.url));
  const user = uid === null ? [] : ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
  const node = [process.execPath, ...(isSource ? ["--conditions=@agentcore/source"] : []), file];
  const command: readonly string[] = [...user, ...node, implementation, hidden];
  const stray = openSync("/dev/null", "r");
  const stdio: ("ignore" | "pipe" | "inherit" | number)[] = ["ignore", "pipe", "inherit"];
  for (let fd = 3; fd <= Math.max(...strayDescriptors); fd += 1)
    stdio[fd] = strayDescriptors.includes(fd) ? stray : "ignore";
  const child = spawn(command[0] ?? "", command.slice(1), { stdio });
  closeSync(stray);
  const lines = (await text(child.stdout as NodeJS.ReadableStream)).trim().split("\n");
  const said = lines
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as [string, number, string]);
  const unheard = Object.keys(promises).filter((name) => !said.some(([each]) => each === name));
  const broken = said.filter(([, code]) => code !== 0).map(([name, , words]) => `${name}: ${words}`);
  return [...unheard.map((name) => `${name}: not tried`), ...broken];
}
