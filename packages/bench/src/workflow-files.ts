/** The workflow files of the benchmark. Each step is the cheapest there is, so that what is measured is not the work. */

const shellStep = ["    worker: shell", '    instructions: "true"', "    capabilities: [run_commands]"];

/** Steps that wait for nothing. */
export function fanOutFile(steps: number, concurrency: number | null): string {
  const lines = Array.from({ length: steps }, (_, index) => [`  s${index}:`, ...shellStep]).flat();
  return fileOf(lines, concurrency);
}

/** Steps that each wait for the one before. */
export function chainFile(steps: number): string {
  const lines = Array.from({ length: steps }, (_, index) => [
    `  s${index}:`,
    ...shellStep,
    ...(index === 0 ? [] : [`    depends_on: [s${index - 1}]`]),
  ]).flat();
  return fileOf(lines, null);
}

/**
 * Layers of a hundred steps, each with a script, an output, and inputs from two steps of the layer before: what a program
 * writes that generates a workflow.
 */
export function largeFile(steps: number): string {
  const width = 100;
  const lines = Array.from({ length: steps }, (_, index) => {
    const before = index - width;
    const beside = Math.floor(before / width) * width + ((before + 1) % width);
    return [
      `  part-${index}:`,
      `    description: Part ${index}`,
      "    worker: shell",
      "    instructions: |",
      `      echo "building part ${index}"`,
      `      make part-${index}`,
      "    capabilities: [read, run_commands]",
      "    timeout: 10m",
      "    max_retries: 1",
      "    on_failure: retry",
      ...(before < 0
        ? []
        : [
            `    depends_on: [part-${before}, part-${beside}]`,
            "    inputs:",
            `      - { from: part-${before}, artifact: part, as: in }`,
          ]),
      "    outputs:",
      `      - { name: part, path: out/${index}.txt }`,
    ];
  }).flat();
  return fileOf(lines, 8);
}

function fileOf(stepLines: readonly string[], concurrency: number | null): string {
  const head = ["name: benchmark", 'version: "1"', "timeout: 1h"];
  const limit = concurrency === null ? [] : [`concurrency: ${concurrency}`];
  return `${[...head, ...limit, "steps:", ...stepLines].join("\n")}\n`;
}
