import { expect, it } from "vitest";
import { BreakerSet } from "../breaker/breaker-set.ts";
import { fakeAdapter } from "../testing/fake-worker.ts";
import { permitRequest, runtimeConfig } from "../testing/requests.ts";
import { Targets } from "./targets.ts";

function targetsOf(): { targets: Targets; breakers: BreakerSet } {
  const config = runtimeConfig({
    limits: {
      tenants: { default: { concurrency: 2 }, big: { concurrency: 9 } },
      workers: { codex: { concurrency: 5 } },
    },
  });
  const breakers = new BreakerSet(config.breakers);
  const adapters = [fakeAdapter(), fakeAdapter({ name: "shell", provider: null })];
  return { targets: new Targets(config, adapters, breakers), breakers };
}

it("a request holds from every scope it belongs to, from the root down", () => {
  const { targets } = targetsOf();
  const path = targets.resolve(permitRequest({ tenant: "acme", model: "m" }), 0);
  expect(path?.scopes.map(({ name }) => name)).toEqual([
    "global",
    "tenant:acme",
    "worker:codex",
    "provider:openai",
  ]);
  expect(path?.provider?.name).toBe("provider:openai/m");
  const bare = targets.resolve(permitRequest({ worker: "shell" }), 0);
  expect(bare?.scopes.map(({ name }) => name)).toEqual(["global", "worker:shell"]);
});

it("tenants of one default have limits each of its own, and a named one its own", () => {
  const { targets } = targetsOf();
  const scopeOf = (tenant: string) => targets.resolve(permitRequest({ tenant }), 0)?.tenant;
  expect(scopeOf("a")).not.toBe(scopeOf("b"));
  expect(scopeOf("a")).toBe(scopeOf("a"));
  expect([scopeOf("a")?.concurrencyLimit, scopeOf("big")?.concurrencyLimit]).toEqual([2, 9]);
});

it("names of the prototype are names like any other", () => {
  const { targets } = targetsOf();
  for (const name of ["constructor", "__proto__", "toString"]) {
    expect(
      targets.resolve(permitRequest({ tenant: name, model: name, provider: name }), 0)?.tenant?.name,
    ).toBe(`tenant:${name}`);
    expect(targets.resolve(permitRequest({ worker: name }), 0)).toBeNull();
  }
});

it("names that callers make up are kept within bounds, and what runs is never dropped", () => {
  const { targets, breakers } = targetsOf();
  const busy = targets.resolve(permitRequest({ tenant: "busy", model: "busy", provider: "busy" }), 0);
  if (busy?.tenant) busy.tenant.running = 1;
  busy?.provider?.pause.enter();
  for (let i = 0; i < 25_000; i += 1) {
    targets.resolve(permitRequest({ tenant: `t${i}`, model: `m${i}`, provider: `p${i}` }), 0);
  }
  expect(breakers.size).toBeLessThan(10_100);
  expect(targets.scopes().length).toBeLessThan(10_100);
  const again = targets.resolve(permitRequest({ tenant: "busy", model: "busy", provider: "busy" }), 0);
  expect(again?.tenant).toBe(busy?.tenant);
  expect(again?.provider).toBe(busy?.provider);
});
