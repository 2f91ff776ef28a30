/** For tests of adapters: the conformance suite, the scriptable fake agent, and a way to run one worker for real. */
export type {
  AdapterConformanceOptions,
  ConformanceCheck,
  ConformanceFailureScenario,
  ConformanceReport,
  ConformanceScenario,
} from "./conformance/options.ts";
export {
  adapterConformanceChecks,
  formatConformanceReport,
  runAdapterConformance,
} from "./conformance/run-conformance.ts";
export { drive, driveToEnd, makePermit, makeTask, type DrivenRun, type DriveOptions } from "./drive.ts";
export { createFakeAgent, type FakeAgent, type FakeAgentOptions } from "./fake-agent.ts";
export { fakeChildren, type FakeChild, type FakeLedgerEntry, type FakeStep } from "./fake-agent-script.ts";
export { configureGit, makeHostileGit, type HostileGit } from "./hostile-git.ts";
export { scriptedAdapter } from "./scripted-adapter.ts";
export { findSurvivors, type Survivor } from "./survivors.ts";
export { makeTemporaryDirectory } from "./temporary-directories.ts";
export { recordingChecks, type RecordingCheck, type RecordingChecks } from "./recordings-checks.ts";
export type { RecordingRow } from "./recordings-table.ts";
export {
  readRecording,
  recordedScenario,
  recordingNames,
  replay,
  stopCause,
  type Recording,
  type Replay,
  type ReplayOptions,
} from "./replay.ts";
