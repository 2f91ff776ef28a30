#!/usr/bin/env node
// The worker: a pretended agent that writes its prompt to echo.txt, and says what it does as JSON lines. It has what real
// agent CLIs have and an adapter must deal with: a version, permissions, token counts, failures of its provider, and the
// habit of exiting with 0 after it was refused what it needed.
import { readFileSync, writeFileSync } from "node:fs";

const say = (/** @type {object} */ event) => process.stdout.write(`${JSON.stringify(event)}\n`);

if (process.argv.includes("--version")) {
  process.stdout.write("echo-agent 1.0.0\n");
} else {
  const prompt = readFileSync(0, "utf8");
  say({ event: "hello", model: "echo-1" });
  if (prompt.startsWith("fail:")) {
    say({ event: "failed", status: 429, message: "too many echoes", wait_s: 2 });
    process.exitCode = 1;
  } else {
    if (process.argv.includes("--allow-write")) {
      writeFileSync("echo.txt", prompt);
      say({ event: "wrote", path: "echo.txt" });
    } else {
      say({ event: "refused", tool: "write" });
    }
    say({
      event: "done",
      words: `echoed ${prompt.length} characters`,
      tokens: { in: prompt.length, out: 3 },
    });
  }
}
