/** The error codes of workflows: a part of the catalog in `error-codes.ts`. */
export const workflowErrorCodes = {
  AC_WORKFLOW_INVALID: {
    meaning: "The workflow file, or a file that it uses, is wrong.",
    retryable: false,
    cure: "Correct the named places; `agentcore workflow validate` finds them all.",
  },
  AC_WORKFLOW_INPUT: {
    meaning: "The inputs do not match the inputs that the workflow declares.",
    retryable: false,
    cure: "Pass the inputs that the file declares under `inputs` with --input NAME=VALUE.",
  },
  AC_WORKFLOW_PATH: {
    meaning: "A path of a workflow leaves the workspace.",
    retryable: false,
    cure: "Use a path inside it; symbolic links must not lead out of it either.",
  },
  AC_WORKFLOW_GIT: {
    meaning: "A git command that a workflow needs failed.",
    retryable: false,
    cure: "Read git's message, and correct the repository.",
  },
  AC_GIT_MISSING: {
    meaning: "Git is required but was not found.",
    retryable: false,
    cure: "Install git, or put it on PATH.",
  },
  AC_GIT_TIMEOUT: {
    meaning: "A git command took too long and was killed.",
    retryable: true,
    cure: "Check for a hanging filter of the repository, a slow disk or a very large work tree.",
  },
  AC_GIT_FAILED: {
    meaning: "A git command could not be started, or was interrupted.",
    retryable: true,
    cure: "Read the reason in the message.",
  },
  AC_WORKFLOW_BRANCH: {
    meaning: "The workflow may not work on the repository's current branch.",
    retryable: false,
    cure: "Check out the named branch, or see --base-branch, --protected-branches and --allow-protected-branch.",
  },
  AC_WORKFLOW_RUN_NOT_FOUND: {
    meaning: "No workflow run has that id.",
    retryable: false,
    cure: "`agentcore workflow list` shows the ids.",
  },
  AC_WORKFLOW_CHANGED: {
    meaning: "The workflow has changed since the run started.",
    retryable: false,
    cure: "Restore the files, or start a new run.",
  },
  AC_WORKFLOW_ARTIFACT: {
    meaning: "An artifact that a step needs as input is gone.",
    retryable: false,
    cure: "Put the context directory back and resume the run; or `agentcore workflow cancel RUN`, then `agentcore workflow retry RUN --from STEP` with the step that makes it.",
  },
  AC_WORKFLOW_OUTPUT: {
    meaning: "An output of a step cannot be kept as an artifact.",
    retryable: false,
    cure: "Let the step leave only files, directories and links in it, and name them in UTF-8.",
  },
  AC_WORKFLOW_STEP: {
    meaning: "The workflow has no step of that name.",
    retryable: false,
    cure: "Name one of its steps; `agentcore workflow run FILE --dry-run` shows them.",
  },
  AC_WORKFLOW_ONLY: {
    meaning:
      "A step cannot run with --only, because what it uses of another step is not in the context directory.",
    retryable: false,
    cure: "Run the whole workflow first, or the step that the message names.",
  },
  AC_WORKFLOW_SECRET: {
    meaning:
      "A secret of a workflow is not set in the environment of the command, or is too short to be masked.",
    retryable: false,
    cure: "Export the variable that the message names, and run the command again.",
  },
  AC_WORKFLOW_VALUE: {
    meaning: "A value that a step of a workflow wrote cannot be used.",
    retryable: false,
    cure: "Correct what the step writes to `$AGENTCORE_OUTPUT`: lines `NAME=VALUE`, UTF-8, at most 64 KiB; see docs/workflows.md.",
  },
  AC_WORKFLOW_CONTEXT: {
    meaning: "The context directory of a workflow cannot be written to.",
    retryable: false,
    cure: "Make it a directory that you can write to, or name another with `context_dir`.",
  },
  AC_WORKFLOW_ENDED: {
    meaning: "The workflow run has already ended.",
    retryable: false,
    cure: "Show it with `agentcore workflow show RUN`; start a failed run again with `agentcore workflow retry RUN`.",
  },
  AC_WORKFLOW_OPEN: {
    meaning: "The workflow run has not ended, so none of its steps can start again.",
    retryable: false,
    cure: "Go on with `agentcore workflow resume RUN`, or end it with `agentcore workflow cancel RUN`.",
  },
  AC_WORKFLOW_BUSY: {
    meaning: "Another run of the same concurrency group is at work, and the file says `when_busy: fail`.",
    retryable: true,
    cure: "Start it again when that run has ended, or write `when_busy: wait` in the file.",
  },
  AC_WORKFLOW_NOT_WAITING: {
    meaning: "The step does not wait for an approval.",
    retryable: false,
    cure: "`agentcore workflow show RUN` shows what the run waits for.",
  },
  AC_WORKFLOW_NOT_ALLOWED: {
    meaning: "The workflow file does not let this user answer the approval.",
    retryable: false,
    cure: "Ask one of the users that the file names under `who`.",
  },
  AC_WORKFLOW_RECORD: {
    meaning: "An entry of a workflow run's journal cannot be read.",
    retryable: false,
    cure: "Restore the state directory from a backup, or start a new run; the workspace is unchanged.",
  },
  AC_WORKFLOW_TAKEN: {
    meaning: "Another process works on the same workflow run.",
    retryable: true,
    cure: "Wait for that process, or end it; then resume the run.",
  },
} as const;
