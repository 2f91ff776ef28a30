/** Variables and values of workflow steps with the real shell worker in its box, and in a worktree of its own. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { agentcore, jsonLinesOf, makeScratch, type Scratch } from "../testing/agentcore-process.ts";

let scratch: Scratch;
beforeAll(() => {
  scratch = makeScratch();
});
afterAll(() => scratch.remove());

const hostile = `'"\\ $(touch hacked) \`touch hacked\`; touch hacked\n\${{ inputs.other }} é`;

const steps = `env: { GREETING: "hi \${{ inputs.who }}", PLACE: here }
inputs: { who: { required: true }, other: { default: never } }
steps:
  write:
    worker: shell
    capabilities: [run_commands]
    isolation: worktree
    env: { PLACE: "\${{ matrix.os }}", PORT: 08080 }
    matrix: { os: ["a b"] }
    outputs: [{ name: text, value: TEXT }]
    instructions: |
      printf '%s|%s|%s|%s' "$GREETING" "$PLACE" "$PORT" "$AGENTCORE_MATRIX_OS" > variables
      { echo "TEXT<<END OF TEXT"; printf '%s\\n' "$AGENTCORE_INPUT_WHO"; echo "END OF TEXT"; } >> "$AGENTCORE_OUTPUT"
  one:
    worker: shell
    capabilities: [run_commands]
    outputs: [{ name: text, value: true }]
    instructions: |
      { echo "text<<E"; printf '%s\\n' "$AGENTCORE_INPUT_WHO"; echo E; } >> "$AGENTCORE_OUTPUT"
  read:
    depends_on: [write, one]
    worker: shell
    capabilities: [run_commands]
    env: { TEXT: "\${{ steps.one.outputs.text }}" }
    verify: printf %s '\${{ steps.one.outputs.text }}' > verified
    instructions: |
      printf %s "$TEXT" > from-env
      printf %s "\${{ steps.one.outputs.text }}" > from-script
      printf %s "\${{ steps.write.outputs.text }}" > list
`;

it("hostile values reach scripts as they are, also from a worktree, and none becomes a command", async () => {
  const git = (...args: string[]) => execFileSync("git", args, { cwd: scratch.workspace });
  git("init", "-qb", "work");
  git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x");
  const file = join(scratch.root, "values.yaml");
  writeFileSync(file, `name: values\nversion: "1"\ntimeout: 2m\n${steps}`);
  const { code, stdout, stderr } = await agentcore(scratch, [
    "workflow",
    "run",
    file,
    "--json",
    "--input",
    `who=${hostile}`,
  ]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const text = (name: string): string => readFileSync(join(scratch.workspace, name), "utf8");
  expect(text("variables")).toBe(`hi ${hostile}|a b|08080|a b`);
  expect(["from-env", "from-script", "verified"].map(text)).toEqual([hostile, hostile, hostile]);
  expect(JSON.parse(text("list"))).toEqual([hostile]);
  expect(existsSync(join(scratch.workspace, "hacked"))).toBe(false);
  const { steps: ended } = jsonLinesOf(stdout).at(-1) as { steps: { id: string; values: object }[] };
  expect(ended.find(({ id }) => id === "one")?.values).toEqual({ text: hostile });
});
