import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createRunRig } from "./testing/run-rig.ts";
import { shellLoop, shellStep, testWorkflow } from "./testing/test-workflow.ts";

it("a value is no code in instructions, in verify and in a check, however it is quoted", async () => {
  const rig = await createRunRig();
  const x = "${{ inputs.x }}";
  const note = (name: string): string => `printf '%s|%s|' '${x}' "${x}" > ${name}; : ${x} # ${x}`;
  const workflow = testWorkflow(
    [
      shellStep("a", note("work"), { verify: note("verify"), loop: shellLoop(note("check")) }),
      shellStep("m", "printf %s '${{ matrix.k }}' > matrix", {
        matrix: new Map([["k", ["'; touch INJECTED; '"]]]),
      }),
    ],
    { inputs: new Map([["x", { type: "string", default: null, required: true, description: null }]]) },
  );
  const value = `'"; touch INJECTED; $(touch INJECTED) "'`;
  expect((await rig.run(workflow, { inputs: { x: value } })).outcome).toBe("SUCCEEDED");
  for (const name of ["work", "verify", "check"])
    expect(readFileSync(join(rig.workspace, name), "utf8")).toBe(`${value}|${value}|`);
  expect(readFileSync(join(rig.workspace, "matrix"), "utf8")).toBe("'; touch INJECTED; '");
  expect(existsSync(join(rig.workspace, "INJECTED"))).toBe(false);
  await rig.close();
});
