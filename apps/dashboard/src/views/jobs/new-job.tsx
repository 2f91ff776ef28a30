import type { SubmittedDocument } from "@agentcore/contract";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { post } from "../../api/call.ts";
import { ActionButton } from "../../parts/action-button.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { TextField } from "../../parts/fields.tsx";
import { go } from "../../route.ts";
import { jobHref } from "./job-columns.tsx";
import { LimitInputs } from "./limit-fields.tsx";
import { noLimits, submissionOf, type NewJob } from "./limits.ts";

const capabilities = [
  ["read", "read"],
  ["edit", "edit files"],
  ["run_tests", "run tests"],
  ["run_commands", "run any command"],
] as const;

/** Submits a job and shows it. */
export function NewJobDialog({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const [job, setJob] = useState<NewJob>({
    ...noLimits,
    worker: "",
    workspace: "",
    instructions: "",
    capabilities: ["read"],
  });
  const change = (part: Partial<NewJob>): void => setJob((last) => ({ ...last, ...part }));
  const toggle = (name: string, isOn: boolean): void =>
    change({ capabilities: [...job.capabilities.filter((each) => each !== name), ...(isOn ? [name] : [])] });
  const missing = ["worker", "workspace", "instructions"].filter(
    (name) => job[name as "worker" | "workspace" | "instructions"].trim() === "",
  );
  const submit = async (): Promise<void> => {
    const { id } = await post<SubmittedDocument>("/v1/jobs", submissionOf(job));
    onClose();
    go(jobHref(id));
  };
  return (
    <Dialog title="New job" onClose={onClose}>
      <div class="dialog-text">
        <TextField
          label="Worker"
          value={job.worker}
          placeholder="claude-code, codex, opencode, shell"
          onInput={(worker) => change({ worker })}
        />
        <TextField
          label="Workspace"
          value={job.workspace}
          placeholder="/path/on/the/machine/of/the/daemon"
          onInput={(workspace) => change({ workspace })}
        />
        <TextField
          label="Instructions"
          value={job.instructions}
          rows={5}
          hint="The prompt; for the worker shell, the script."
          onInput={(instructions) => change({ instructions })}
        />
        <fieldset class="checks">
          <legend>It may</legend>
          {capabilities.map(([name, label]) => (
            <label key={name}>
              <input
                type="checkbox"
                checked={job.capabilities.includes(name)}
                onChange={({ currentTarget }) => toggle(name, currentTarget.checked)}
              />
              {label}
            </label>
          ))}
        </fieldset>
        <LimitInputs value={job} onChange={change} empty="default" />
      </div>
      <div class="dialog-actions">
        <ActionButton
          label="Submit"
          onAct={submit}
          disabled={missing.length === 0 ? null : `Still empty: ${missing.join(", ")}.`}
        />
      </div>
    </Dialog>
  );
}
