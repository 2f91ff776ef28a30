import { expect, it } from "vitest";
import { innerCommand } from "./shell-command.ts";

it.each([
  ["/bin/bash -lc 'echo hi > a.txt'", "echo hi > a.txt"],
  ["/bin/bash -lc false", "false"],
  ["bash -c 'a b'", "a b"],
  [String.raw`/bin/bash -lc "sh -c 'exit 3' \"quoted\" "'$HOME'`, `sh -c 'exit 3' "quoted" $HOME`],
  ["/bin/bash -lc \"cat <<'EOF'\nline 'a' \\\"b\\\"\nEOF\"", "cat <<'EOF'\nline 'a' \"b\"\nEOF"],
  ["/bin/zsh -lc 'it'\\''s'", "it's"],
  // Not one word, not closed, or no shell at all: left as it is.
  ["/bin/bash -lc 'echo' hi", "/bin/bash -lc 'echo' hi"],
  ["/bin/bash -lc 'echo", "/bin/bash -lc 'echo"],
  ["npm test", "npm test"],
  ["", ""],
])("%j is %j", (line, command) => {
  expect(innerCommand(line)).toBe(command);
});
