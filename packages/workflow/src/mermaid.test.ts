import { expect, it } from "vitest";
import { mermaidGraph } from "./mermaid.ts";
import {
  shellStep,
  shellWork,
  subWorkflow,
  testLoop,
  testStep,
  testWorkflow,
} from "./testing/test-workflow.ts";

it("draws steps, who works on them, what waits for what and when, and loops", () => {
  const loop = testLoop(shellWork("true"));
  const workflow = testWorkflow([shellStep("inner", "true")], { name: 'the "child"' });
  const graph = mermaidGraph(
    testWorkflow([
      shellStep("build", "make", { matrix: new Map([["os", ["a", "b"]]]) }),
      shellStep("fix", "fix", { dependsOn: ["build"], loop }),
      testStep("sub", subWorkflow(workflow), {
        dependsOn: ["build", "fix"],
        condition: "steps.fix.status == 'FAILED'",
      }),
      shellStep("free", "true", { condition: "inputs.x" }),
    ]),
  );
  expect(graph).toBe(`flowchart TD
  s0["build<br/>shell<br/>× 2"]
  s1["fix<br/>shell"]
  s2[["sub<br/>the #34;child#34;"]]
  s3["free<br/>shell<br/>if inputs.x"]
  s0 --> s1
  s0 -.-> s2
  s1 -.->|"steps.fix.status == 'FAILED'"| s2
  s1 -. up to 4 .-> s1
`);
});

it("draws the steps of finally apart from the others", () => {
  const steps = [
    shellStep("build", "make"),
    shellStep("clean", "rm -r out", { isFinal: true }),
    shellStep("tell", "mail", { isFinal: true, dependsOn: ["clean"], condition: "failure()" }),
  ];
  expect(mermaidGraph(testWorkflow(steps))).toBe(`flowchart TD
  s0["build<br/>shell"]
  subgraph last["finally"]
  s1["clean<br/>shell"]
  s2["tell<br/>shell"]
  end
  s1 -.->|"failure()"| s2
`);
});

it("draws an approval in a shape of its own", () => {
  const action = { kind: "approval", message: "Ship it?", who: [], timeoutMs: null } as const;
  expect(mermaidGraph(testWorkflow([testStep("ok", action)]))).toBe(`flowchart TD
  s0{{"ok<br/>approval"}}
`);
});
