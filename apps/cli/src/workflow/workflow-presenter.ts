/** Prints a workflow run: JSON events, or a line for each change of a step. */
import type { RunResult, WorkflowEvent } from "@agentcore/workflow";
import type { Io } from "../io.ts";
import { runResultJson, workflowEventJson } from "../json/workflow-documents.ts";
import { eventLines } from "../present/event-lines.ts";
import { span } from "../screen/line.ts";
import { shortId } from "../screen/short-id.ts";
import { plainScreen } from "../screen/terminal.ts";
import { notificationText, waitingText } from "./status.ts";
import { stepLine, summary } from "./workflow-screen.ts";

export interface WorkflowPresenter {
  /** Whether to report the steps of sub-workflows whose file does not pass them on. */
  readonly wantsChildren: boolean;
  event(event: WorkflowEvent): void;
  end(result: RunResult): void;
  /** A sentence that is not part of the output proper. */
  remark(text: string): void;
  /** Restores the screen, even without a result. Idempotent. */
  close(): void;
}

export function workflowJsonLines(io: Pick<Io, "stdout" | "stderr">): WorkflowPresenter {
  const lines = eventLines<WorkflowEvent>(io.stdout, ({ type }) => type === "job_event");
  return {
    wantsChildren: false,
    event: (event) => {
      if (event.type !== "run_ended") lines.write(event, workflowEventJson(event));
    },
    end: (result) => {
      io.stdout.json(runResultJson(result));
    },
    remark: (text) => io.stderr.write(`agentcore: ${text}\n`),
    close: () => {},
  };
}

export interface LinesOptions {
  /** Also show what the steps print. */
  readonly verbose: boolean;
  /** The run was opened only to be ended. */
  readonly isToEnd: boolean;
}

export function workflowLines(
  io: Pick<Io, "stdout" | "stderr">,
  { verbose, isToEnd }: LinesOptions,
): WorkflowPresenter {
  const screen = plainScreen(io.stdout);
  const shown = new Map<string, string>();
  const showStep = (event: Extract<WorkflowEvent, { type: "step_changed" }>): void => {
    const { step } = event;
    const state = `${step.status} ${step.iterations} ${step.attempts}`;
    if (shown.get(step.id) === state || (step.status === "READY" && step.retryAt === null)) return;
    shown.set(step.id, state);
    screen.print([stepLine(step, event.at, event.run)]);
  };
  return {
    wantsChildren: false,
    event(event) {
      switch (event.type) {
        case "run_started": {
          const again = isToEnd ? "cancels " : event.resumed ? "resumed " : "";
          screen.print([[span(event.name, "strong"), span(`  ${again}run ${shortId(event.run)}`, "dim")]]);
          break;
        }
        case "notification_failed":
          screen.print([[span(notificationText(event), "warn")]]);
          break;
        case "run_waiting":
          screen.print([[span(waitingText(event), "warn")]]);
          break;
        case "step_changed":
          showStep(event);
          break;
        case "job_event": {
          const text = verbose ? outputOf(event) : null;
          if (text !== null) screen.print([[span(`${event.step} | `, "dim"), span(text)]]);
          break;
        }
        case "run_ended":
          break;
      }
    },
    end: (result) => screen.print(summary(result)),
    remark: (text) => io.stderr.write(`agentcore: ${text}\n`),
    close: () => {},
  };
}

function outputOf({ event }: Extract<WorkflowEvent, { type: "job_event" }>): string | null {
  if (event.type !== "worker_event") return null;
  const { event: said } = event;
  return said.type === "stdout" || said.type === "stderr" || said.type === "text" ? said.text : null;
}
