/**
 * A worker that is billed: the scripted agent of the worker kit with a provider, so that its permits hold money. Its
 * program is the lock-taking `enter`; the task's arguments say what runs under it. Loaded by the configuration of a rig.
 */
import type { WorkerAdapter } from "@agentcore/contract";
import { scriptedAdapter } from "@agentcore/worker-kit/testing";

const meteredAdapter: WorkerAdapter = { ...scriptedAdapter, name: "metered", provider: "metered-provider" };

export default meteredAdapter;
