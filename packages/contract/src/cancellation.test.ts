import { expect, it } from "vitest";
import { Cancellation, type CancelRequest } from "./cancellation.ts";

const clean: CancelRequest<string> = { reason: "clean" };
const forced: CancelRequest<string> = { reason: "forced", force: true };

it.each<[string, CancelRequest<string>[], { reason: string | null; force: boolean }, string[]]>([
  ["nothing was asked for", [], { reason: null, force: false }, []],
  ["a clean end", [clean], { reason: "clean", force: false }, ["clean"]],
  ["force at once", [forced], { reason: "forced", force: true }, ["forced by force"]],
  [
    "force later, for the first reason",
    [clean, forced],
    { reason: "clean", force: true },
    ["clean", "clean by force"],
  ],
  ["no way back", [forced, clean], { reason: "forced", force: true }, ["forced by force"]],
  [
    "no more than was asked for before",
    [clean, { reason: "again" }],
    { reason: "clean", force: false },
    ["clean"],
  ],
  [
    "force twice",
    [forced, { reason: "x", force: true }],
    { reason: "forced", force: true },
    ["forced by force"],
  ],
])("asks for %s", (_, requests, state, told) => {
  const cancellation = new Cancellation<string>();
  const heard: string[] = [];
  cancellation.onChange(({ reason, force }) => heard.push(force ? `${reason} by force` : reason));
  for (const request of requests) cancellation.cancel(request);
  expect({ reason: cancellation.reason, force: cancellation.force }).toEqual(state);
  expect(heard).toEqual(told);
});

it("tells a listener that comes late where it stands, and one that was removed nothing", () => {
  const cancellation = new Cancellation<string>();
  const heard: unknown[] = [];
  const remove = cancellation.onChange((request) => heard.push(["removed", request]));
  remove();
  cancellation.cancel(clean);
  cancellation.cancel(forced);
  cancellation.onChange((request) => heard.push(["late", request]));
  expect(heard).toEqual([["late", { reason: "clean", force: true }]]);
});

it("keeps the first reason when force is added", () => {
  const cancellation = new Cancellation<string>();
  cancellation.cancel(clean);
  cancellation.cancel(forced);
  expect([cancellation.reason, cancellation.force]).toEqual(["clean", true]);
});

it("hands a request on to another cancellation, which keeps a reason of its own", () => {
  const [run, script] = [new Cancellation<string>(), new Cancellation<string>()];
  run.onChange((request) => script.cancel(request));
  script.cancel({ reason: "its time was up" });
  run.cancel(forced);
  expect([script.reason, script.force]).toEqual(["its time was up", true]);
});

it("aborts the bridge with the first reason, also where it is first looked at later", () => {
  const cancellation = new Cancellation<string>();
  const early = cancellation.abortSignal;
  cancellation.cancel(clean);
  cancellation.cancel(forced);
  expect([early.aborted, early.reason]).toEqual([true, "clean"]);
  const late = new Cancellation<string>();
  late.cancel(forced);
  expect([late.abortSignal.aborted, late.abortSignal.reason]).toEqual([true, "forced"]);
});
