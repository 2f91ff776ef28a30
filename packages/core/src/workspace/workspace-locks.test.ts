import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testSeed } from "@agentcore/contract/testing";
import { type Quarantine, WorkspaceLocks } from "./workspace-locks.ts";

const quarantine = (untilMs = Infinity): Quarantine => ({
  code: "AC_UNCONTAINED",
  message: "survivors",
  evidence: {},
  untilMs,
});

it.each([
  ["/a/b", "/a/b", true],
  ["/a/b", "/a/b/", true],
  ["/a/b", "/a/x/../b", true],
  ["/a/b", "/a", true],
  ["/a", "/a/b/c/d", true],
  ["/", "/a", true],
  ["/a", "/", true],
  ["/a/b", "/a/c", false],
  ["/a/b", "/a/bc", false],
  ["/a/bc", "/a/b", false],
])("a lock on %s and one on %s conflict: %s", (held, wanted, conflicts) => {
  const locks = new WorkspaceLocks();
  locks.lock(locks.node(held), "p");
  expect(locks.conflict(locks.node(wanted)) !== null).toBe(conflicts);
  locks.unlock(locks.node(held));
  expect(locks.conflict(locks.node(wanted))).toBeNull();
  expect(locks.node("/").busyBelow).toBe(0);
});

describe("quarantine", () => {
  it("refuses the directory, what is above and what is below, until lifted", () => {
    const locks = new WorkspaceLocks();
    locks.quarantine("/a/b", quarantine());
    for (const path of ["/a/b", "/a", "/a/b/c"]) {
      expect(locks.quarantineAt(locks.node(path), 0)?.path).toBe("/a/b");
    }
    expect(locks.quarantineAt(locks.node("/a/c"), 0)).toBeNull();
    expect(locks.quarantined(0)).toEqual(["/a/b"]);
    expect(locks.liftQuarantine("/a/b")).toBe(true);
    expect(locks.liftQuarantine("/a/b")).toBe(false);
    expect(locks.quarantineAt(locks.node("/a"), 0)).toBeNull();
  });

  it("one that has a time ends with it, and a longer one is not shortened", () => {
    const locks = new WorkspaceLocks();
    locks.quarantine("/a", quarantine(5000));
    locks.quarantine("/a", quarantine(1000));
    expect(locks.quarantineAt(locks.node("/a/b"), 4999)?.path).toBe("/a");
    expect(locks.quarantineAt(locks.node("/a/b"), 5000)).toBeNull();
    locks.liftExpired(4999);
    expect(locks.quarantined(0)).toEqual(["/a"]);
    locks.liftExpired(5000);
    expect(locks.quarantined(0)).toEqual([]);
  });
});

it("more directories than are remembered forgets idle ones and never a lock", () => {
  const locks = new WorkspaceLocks();
  locks.lock(locks.node("/kept/deep/inside"), "p");
  locks.quarantine("/bad/place", quarantine());
  for (let i = 0; i < 45_000; i += 1) locks.node(`/many/${i}`);
  expect(locks.conflict(locks.node("/kept"))?.path).toBe("/kept/deep/inside");
  expect(locks.quarantineAt(locks.node("/bad/place/x"), 0)?.path).toBe("/bad/place");
});

it("any mix of locks agrees with comparing all paths with all", () => {
  const path = fc
    .array(fc.constantFrom("a", "b", "c"), { minLength: 0, maxLength: 4 })
    .map((parts) => `/${parts.join("/")}`);
  const overlaps = (one: string, other: string): boolean => {
    const [short, long] = one.length <= other.length ? [one, other] : [other, one];
    return short === "/" || long === short || long.startsWith(`${short}/`);
  };
  fc.assert(
    fc.property(fc.array(fc.tuple(path, fc.boolean()), { maxLength: 60 }), (operations) => {
      const locks = new WorkspaceLocks();
      const held = new Set<string>();
      for (const [wanted, release] of operations) {
        if (release && held.delete(wanted)) locks.unlock(locks.node(wanted));
        const expected = [...held].some((other) => overlaps(other, wanted));
        expect(locks.conflict(locks.node(wanted)) !== null).toBe(expected);
        if (!expected) {
          locks.lock(locks.node(wanted), wanted);
          held.add(wanted);
        }
      }
    }),
    { seed: testSeed("workspace locks"), numRuns: 300 },
  );
});
