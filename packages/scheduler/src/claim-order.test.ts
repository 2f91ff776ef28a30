import { testSeed } from "@agentcore/contract/testing";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareCandidates, createRankPolicy, turnOf, type Candidate } from "./claim-order.ts";
import { testJob } from "./testing/fixtures.ts";

/** A failing run prints its seed; set this to repeat it. */
const parameters = { seed: testSeed("claim order") };

const rank = createRankPolicy();
const at = 1_700_000_000_000;

describe("the rank", () => {
  it("puts interactive before batch whatever the values, as long as nobody has waited much longer", () => {
    const person = rank(testJob({ priority: { class: "interactive", value: -1000 } }), at);
    const best = rank(testJob({ priority: { class: "batch", value: 1000 } }), at - 1_500_000);
    expect(person).toBeLessThan(best);
  });

  it("lets nobody be overtaken by what comes more than 94 minutes later", () => {
    const priority = fc.record({
      class: fc.constantFrom("interactive" as const, "batch" as const),
      value: fc.integer({ min: -1000, max: 1000 }),
    });
    fc.assert(
      fc.property(priority, priority, (a, b) => {
        const earlier = rank(testJob({ priority: a }), at);
        const later = rank(testJob({ priority: b }), at + 5_600_001);
        expect(earlier).toBeLessThan(later);
      }),
      parameters,
    );
  });
});

const candidate = fc.record<Candidate>({
  id: fc.string({ minLength: 1, maxLength: 3 }),
  rank: fc.integer({ min: 0, max: 50 }),
  readyFrom: fc.integer({ min: 0, max: 50 }),
  tenantServedAt: fc.integer({ min: 0, max: 100 }),
  tenantRunning: fc.integer({ min: 0, max: 3 }),
});

describe("the order of candidates", () => {
  it("is total and transitive", () => {
    const sign = (x: Candidate, y: Candidate) => Math.sign(compareCandidates(x, y, 60));
    fc.assert(
      fc.property(candidate, candidate, candidate, (a, b, c) => {
        expect(sign(a, b) + sign(b, a)).toBe(0);
        if (sign(a, b) <= 0 && sign(b, c) <= 0) expect(sign(a, c)).toBeLessThanOrEqual(0);
      }),
      parameters,
    );
  });

  it("does not believe a tenant that was served in the future", () => {
    const base = { id: "a", rank: 10, readyFrom: 10, tenantRunning: 0 };
    expect(turnOf({ ...base, tenantServedAt: 1e15 }, 20)).toBe(20);
  });

  it("serves the tenant with less in flight where turns are equal", () => {
    const base = { rank: 10, readyFrom: 10, tenantServedAt: 15 };
    const busy = { ...base, id: "a", tenantRunning: 2 };
    const idle = { ...base, id: "b", tenantRunning: 1 };
    expect(compareCandidates(busy, idle, 20)).toBeGreaterThan(0);
  });
});
