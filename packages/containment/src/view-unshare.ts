/**
 * A view as a shell script that util-linux's `mount` carries out in the new mount namespace, before anything else runs in
 * the box. What is to be mounted is put together on a small file system of its own and bound to its place from there, all
 * of it by one `mount --all` from a table: a process for each mount would cost more than the whole start.
 */
import path from "node:path";
import type { View } from "./view.ts";

/** A directory that every `/proc` has and no program needs; covered only while the script runs. */
const stage = "/proc/fs";

/** Ends in the command that its arguments are. Null where there is nothing to mount. */
export function setupScript(view: View, cwd: string): string | null {
  if (view.length === 0) return null;
  const { directories, links, table } = assemble(view);
  const readOnly = view.filter((step) => step.do === "hide").map((step) => quote(step.path));
  return [
    "set -e",
    `PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    `mount -t tmpfs -o mode=0700,size=4m agentcore ${stage}`,
    `(umask 077; mkdir -p ${directories.map(quote).join(" ")})`,
    ...links.map(({ name, target }) => `ln -s ${quote(target)} ${quote(name)}`),
    `printf %s ${quote(table.map((line) => `${line}\n`).join(""))} >${stage}/table`,
    `mount --all --fstab ${stage}/table`,
    ...readOnly.map((each) => `mount -o remount,bind,ro ${each}`),
    `umount -l ${stage}`,
    // The working directory that was inherited lies below what was mounted.
    `cd -P ${quote(cwd)}`,
    'exec "$@"',
  ].join("\n");
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
        apply.push(bind(own, step.path));
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

function bind(source: string, target: string): string {
  return `${tableWord(source)} ${tableWord(target)} none rbind 0 0`;
}

/** As `/etc/fstab` writes a path. */
function tableWord(text: string): string {
  return text.replaceAll(/[\s\\#]/g, (each) => `\\${each.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
