/** Turns a view into options of bubblewrap, which resolves the sources of its mounts in the file system outside the box. */
import type { View } from "./view.ts";

export function bubblewrapMounts(view: View): string[] {
  const args: string[] = [];
  for (const step of view) {
    switch (step.do) {
      case "pin":
      case "show":
        args.push("--bind", step.path, step.path);
        break;
      case "hide":
        args.push("--perms", "0700", "--tmpfs", step.path);
        break;
      case "link":
        args.push("--symlink", step.target, step.path);
        break;
    }
  }
  // Only now, because the directories for the mounts and links below are made in it first.
  for (const step of view) if (step.do === "hide") args.push("--remount-ro", step.path);
  return args;
}
