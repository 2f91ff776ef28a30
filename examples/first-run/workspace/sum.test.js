import assert from "node:assert/strict";
import { test } from "node:test";
import { sum } from "./sum.js";

test("adds up", () => assert.equal(sum([1, 2, 3]), 6));
test("adds nothing up to 0", () => assert.equal(sum([]), 0));
