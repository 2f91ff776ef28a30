import { expect, it } from "vitest";
import { hrefOf, parseRoute } from "./route.ts";

it("an address made of any segments is read back as them", () => {
  const path = ["runs", "nightly/a b?c#d%", "ü"];
  const href = hrefOf(path, { state: "dead", label: "a=b&c", none: null });
  const { pathname, search } = new URL(href, "http://localhost");
  const route = parseRoute({ pathname, search });
  expect(route.path).toEqual(path);
  expect([...route.query]).toEqual([
    ["state", "dead"],
    ["label", "a=b&c"],
  ]);
});

it("a segment that is not encoded as it should be stays as it is", () => {
  expect(parseRoute({ pathname: "/jobs/%E0%A4%A", search: "" }).path).toEqual(["jobs", "%E0%A4%A"]);
});
