/**
 * The daemon that is killed again and again: two webhooks with a workflow of two steps each. The runs of one may overlap, those
 * of the other follow each other. Each step notes in a ledger that it begins, holds a lock for as long as anything of it
 * lives, and leaves a process behind that ignores TERM.
 */
import { createHmac } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ifMissing } from "@agentcore/contract";

export const hooks = ["free", "serial"] as const;
export type Hook = (typeof hooks)[number];

export const secret = "a secret of the crash test";

export interface DaemonPlace {
  readonly root: string;
  readonly stateDir: string;
  /** In the command line of every process that a step leaves behind. */
  readonly token: string;
}

/** Writes the files; returns the path of the daemon file. */
export function writeKilledDaemon({ root, stateDir, token }: DaemonPlace): string {
  const workspace = join(root, "workspace");
  mkdirSync(join(workspace, "locks"), { recursive: true });
  const step = (name: string, dependsOn: string): string =>
    [
      `  ${name}:`,
      "    worker: shell",
      "    capabilities: [run_commands]",
      `    depends_on: [${dependsOn}]`,
      "    instructions: |",
      '      exec 9> "locks/$AGENTCORE_EVENT_ID"',
      '      flock -n 9 || echo "$AGENTCORE_EVENT_ID" >> overlaps',
      `      echo "$AGENTCORE_EVENT_ID $AGENTCORE_CHAIN ${name}" >> ledger`,
      `      (trap '' TERM; exec -a ${token} sleep 300) > /dev/null 2>&1 &`,
      "      sleep 0.05",
    ].join("\n");
  writeFileSync(
    join(workspace, "flow.yaml"),
    `name: flow\nversion: "1"\ntimeout: 60m\nsteps:\n${step("first", "")}\n${step("second", "first")}\n`,
  );
  const overlap = { free: "allow_all", serial: "buffer_all" } as const;
  const file = join(root, "daemon.yaml");
  const definition = {
    name: "killed",
    version: "1",
    workspace,
    state_dir: stateDir,
    max_concurrent_workflows: 6,
    events: Object.fromEntries(
      hooks.map((hook) => [hook, { type: "webhook", path: `/${hook}`, port: 0, secret }]),
    ),
    triggers: Object.fromEntries(
      hooks.map((hook) => [
        hook,
        { on: hook, workflow: "flow.yaml", overlap: overlap[hook], max_queue: 10_000 },
      ]),
    ),
  };
  writeFileSync(file, JSON.stringify(definition));
  return file;
}

/** Sends a signed delivery to a webhook with the secret of these tests. Resolves with the status of the answer; 0: none came. */
export async function deliver(port: number, hook: string, id: string, more: object = {}): Promise<number> {
  const body = JSON.stringify({ id, ...more });
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/${hook}`, {
      method: "POST",
      body,
      headers: {
        "content-type": "application/json",
        "x-github-delivery": id,
        "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
      },
    });
    await answer.text();
    return answer.status;
  } catch {
    return 0;
  }
}

/** A step that began. */
export interface LedgerLine {
  readonly event: string;
  readonly run: string;
  readonly step: string;
}

/** In the order in which they began. */
export function readLedger(root: string): readonly LedgerLine[] {
  return linesOf(root, "ledger").map((line) => {
    const [event = "", chain = "", step = ""] = line.split(" ");
    return { event, run: chain.split("/").at(-1) ?? "", step };
  });
}

/** Events of which two steps were alive at a time. */
export const readOverlaps = (root: string): readonly string[] => linesOf(root, "overlaps");

function linesOf(root: string, name: string): readonly string[] {
  try {
    return readFileSync(join(root, "workspace", name), "utf8")
      .split("\n")
      .filter(Boolean);
  } catch (error) {
    return ifMissing<readonly string[]>([])(error);
  }
}
