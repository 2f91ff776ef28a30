/** Shows the results of `doctor` to people: a mark, a name, the finding, and the cure below it. */
import type { DoctorReport, WorkerReport } from "./report.ts";
import { paragraph, span, type Line, type Tone } from "../screen/line.ts";

const marks = {
  ok: ["✓", "good"],
  warn: ["!", "warn"],
  bad: ["✗", "bad"],
  absent: ["–", "dim"],
} as const satisfies Record<string, readonly [string, Tone]>;

/** `verbose`: with how each was found out. */
export function doctorLines(report: DoctorReport, verbose = false): Line[] {
  const example = report.workers.find((worker) => worker.status === "ready" && worker.name !== "shell");
  return [
    [span(`AgentCore ${report.version}`, "strong")],
    ...report.checks.flatMap(({ status, title, detail, proof, cure }) =>
      entry(status, title, verbose && proof !== undefined ? `${detail}\n${proof}` : detail, cure),
    ),
    [],
    [span("Workers", "strong")],
    ...report.workers.flatMap((worker) =>
      entry(markOf(worker), worker.name, describeWorker(worker), worker.cure),
    ),
    [],
    example === undefined
      ? [span("No agent is ready to run yet; the shell worker always is.", "dim")]
      : [
          span("Try: ", "dim"),
          span(`agentcore run "Explain what this project does" --worker ${example.name}`, "accent"),
        ],
  ];
}

function entry(mark: keyof typeof marks, title: string, detail: string, cure: string | null): Line[] {
  const [sign, tone] = marks[mark];
  const [first = "", ...rest] = detail.split("\n");
  return [
    paragraph([span(`  ${sign} `, tone), span(title.padEnd(17), "strong"), span(first)]),
    ...rest.map((text) => paragraph([span(" ".repeat(21)), span(text)])),
    ...(cure === null ? [] : [paragraph([span(" ".repeat(21)), span(`→ ${cure}`, "accent")])]),
  ];
}

function markOf({ status }: WorkerReport): keyof typeof marks {
  switch (status) {
    case "ready":
      return "ok";
    case "no_credential":
      return "warn";
    case "missing":
      return "absent";
    case "too_old":
    case "unusable":
    case "adapter_invalid":
      return "bad";
  }
}

function describeWorker(worker: WorkerReport): string {
  const version = worker.version === null ? "" : `${worker.version}, `;
  return `${version}${worker.detail}${capabilitiesOf(worker)}`;
}

function capabilitiesOf(worker: WorkerReport): string {
  if (worker.status !== "ready") return "";
  return worker.enforcesCapabilities
    ? `; can ${worker.capabilities.join(", ")}`
    : "; can do what your user can: capabilities are not enforced";
}
