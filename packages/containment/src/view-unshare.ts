/**
 * A view as a shell script that util-linux's `mount` carries out in the new mount namespace, before anything else runs in
 * the box. What is to be mounted is put together on a small file system of its own and bound to its place from there, all
 * of it by one `mount --all` from a table: a process for each mount would cost more than the whole start. The box gets a
 * `/dev` of its own in the same way, with the devices that every program may expect and none of the machine's.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { unescapeMount } from "./cgroup.ts";
import { doorsOfRoot, type View } from "./view.ts";

/** A directory that every `/proc` has and no program needs; covered only while the script runs. */
const stage = "/proc/fs";

const devices = ["null", "zero", "full", "random", "urandom", "tty"];
const deviceLinks = ["fd", "stdin", "stdout", "stderr"];

/** The script; it ends in the command that its arguments are. */
export function setupScript(view: View, cwd: string, isRoot: boolean): string {
  const { directories, links, table } = assemble(view);
  const dev = `${stage}/dev`;
  const doors = isRoot ? [...doorsOfRoot(), ...mountsBelowSys()] : [];
  const lines = [
    ...table,
    ...devices.map((name) => bind(`/dev/${name}`, `${dev}/${name}`)),
    `devpts ${dev}/pts devpts newinstance,ptmxmode=0666,mode=0620 0 0`,
    bind(`${dev}/pts/ptmx`, `${dev}/ptmx`),
    `tmpfs ${dev}/shm tmpfs mode=1777 0 0`,
    bind(dev, "/dev"),
    ...doors.map((each) => bind(each, each, "bind,ro")),
  ];
  const mounts = [
    "set -e",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    `mount -t tmpfs -o mode=0755,size=4m agentcore ${stage}`,
    `(umask 022; mkdir -p ${[`${dev}/pts`, `${dev}/shm`, ...directories].map(quote).join(" ")})`,
    `: ${[...devices, "ptmx"].map((name) => `>${dev}/${name}`).join(" ")}`,
    ...links.map(({ name, target }) => `ln -s ${quote(target)} ${quote(name)}`),
    `cp -P ${deviceLinks.map((name) => `/dev/${name}`).join(" ")} ${dev}/`,
    `printf %s ${quote(lines.map((line) => `${line}\n`).join(""))} >${stage}/table`,
    `mount --all --fstab ${stage}/table`,
    `umount -l ${stage}`,
  ];
  // In a shell of its own, which leaves PATH as it was. The working directory that was inherited lies below the mounts.
  return `(\n${mounts.join("\n")}\n) || exit 126\ncd -P ${quote(cwd)} || exit 126\nexec "$@"`;
}

/** `/sys` and everything that is mounted below it, each of which is read-only only if it is made so itself. */
function mountsBelowSys(): string[] {
  const mounted = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => unescapeMount(line.split(" ")[4] ?? ""));
  return [...new Set(mounted.filter((each) => each === "/sys" || each.startsWith("/sys/")))];
}

interface Assembly {
  readonly directories: readonly string[];
  readonly links: readonly { readonly name: string; readonly target: string }[];
  readonly table: readonly string[];
}

function assemble(view: View): Assembly {
  const directories: string[] = [];
  const links: { name: string; target: string }[] = [];
  /** What is shown is taken aside before it is covered. */
  const aside: string[] = [];
  const apply: string[] = [];
  const covers: { readonly path: string; readonly cover: string }[] = [];
  /** Where a path below a cover is made: there are no mount points and links in an empty directory. */
  const onCover = (each: string): string | null => {
    const found = covers.findLast((covered) => each.startsWith(`${covered.path}/`));
    return found === undefined ? null : path.join(found.cover, path.relative(found.path, each));
  };
  for (const [index, step] of view.entries()) {
    const own = `${stage}/${index}`;
    const onIt = onCover(step.path);
    switch (step.do) {
      case "pin":
        apply.push(bind(step.path, step.path));
        break;
      case "hide":
        directories.push(own);
        apply.push(bind(own, step.path, "bind,ro"));
        covers.push({ path: step.path, cover: own });
        break;
      case "show":
        directories.push(own);
        if (onIt !== null) directories.push(onIt);
        aside.push(bind(step.path, own));
        apply.push(bind(own, step.path));
        break;
      case "link":
        if (onIt === null) break;
        directories.push(path.dirname(onIt));
        links.push({ name: onIt, target: step.target });
        break;
    }
  }
  return { directories, links, table: [...aside, ...apply] };
}

function bind(source: string, target: string, options = "rbind"): string {
  return `${tableWord(source)} ${tableWord(target)} none ${options} 0 0`;
}

/** As `/etc/fstab` writes a path. */
function tableWord(text: string): string {
  return text.replaceAll(/[\s\\#]/g, (each) => `\\${each.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
