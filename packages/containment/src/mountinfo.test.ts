import { expect, it } from "vitest";
import { reachableMounts } from "./mountinfo.ts";

it("a mount that lies below another one is not among those that a path leads to", () => {
  const lines = [
    "20 1 8:1 / / rw,relatime - ext4 /dev/sda rw",
    "21 20 0:20 / /sys rw,nosuid,nodev - sysfs sysfs rw",
    "22 21 0:21 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw",
    "23 20 0:22 / /with\\040space ro - tmpfs tmpfs rw",
    "24 20 0:23 / /data/deep rw - tmpfs tmpfs rw",
    "25 20 0:24 / /data rw - tmpfs tmpfs rw",
    "26 21 0:25 / /sys ro,nosuid,noexec - sysfs sysfs rw",
    "27 26 0:26 / /sys/kernel/debug rw - debugfs debugfs rw",
  ];
  const seen = reachableMounts(`${lines.join("\n")}\n`);
  expect(seen.map(({ id, point }) => [id, point])).toEqual([
    [20, "/"],
    [26, "/sys"],
    [27, "/sys/kernel/debug"],
    [23, "/with space"],
    [25, "/data"],
  ]);
  expect(seen.find(({ id }) => id === 26)?.options).toEqual(["ro", "nosuid", "noexec"]);
});
