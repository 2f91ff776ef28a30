import { expect, it } from "vitest";
import { storePlace, storeUrlProblem } from "./store-url.ts";

it.each([
  ["postgres://agents@db.example.com/agentcore", null],
  ["postgresql://agents:p%2Fw%40%23@[::1]:6432/agentcore?sslmode=verify-full", null],
  ["postgres:///agentcore?host=/var/run/postgresql", null],
  ["postgres://agents:secret/pass@db/agentcore", "percent-encode"],
  ["mysql://agents:secret@db/agentcore", "is not the URL of a PostgreSQL database"],
  ["", "is not the URL of a PostgreSQL database"],
])("%s", (text, problem) => {
  if (problem === null) expect(storeUrlProblem(text)).toBeNull();
  else {
    expect(storeUrlProblem(text)).toContain(problem);
    expect(storeUrlProblem(text)).not.toContain("secret");
  }
});

it("what is shown of a URL has no password", () => {
  expect(
    storePlace("postgres://agents:secret@db:6432/agentcore?sslmode=require&password=x&sslpassword=y"),
  ).toBe("postgres://agents@db:6432/agentcore?sslmode=require");
});
