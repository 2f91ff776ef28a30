/** The secrets of a task: variables of the caller that its worker gets, and that are masked in all that it says. */
import {
  AgentCoreError,
  canMask,
  createMasker,
  forbiddenEffect,
  noMasker,
  secretCharsMin,
  type Masker,
  type WorkerTask,
} from "@agentcore/contract";
import { pickEnv } from "./adapter-settings.ts";
import type { Run } from "./runner/prepare.ts";
import type { StreamSink } from "./program/pump.ts";

type HostEnv = Readonly<Record<string, string | undefined>>;

/** Throws `AC_JOB_INVALID` for a secret that no worker gets, that is not set, or that cannot be masked. */
export function requireSecrets({ secrets = [], env = {} }: WorkerTask, hostEnv: HostEnv): void {
  for (const name of secrets) {
    const problem = problemOf(name, env, hostEnv);
    if (problem !== null)
      throw new AgentCoreError("AC_JOB_INVALID", problem, { evidence: { variable: name } });
  }
}

function problemOf(name: string, env: HostEnv, hostEnv: HostEnv): string | null {
  const effect = forbiddenEffect(name);
  if (effect !== null) return `${name} cannot be a secret: it would ${effect}`;
  if (Object.hasOwn(env, name)) return `${name} is both a secret and a variable of the task; name it once`;
  const value = pickEnv(hostEnv, [name])[name] ?? "";
  if (value === "") return `the secret ${name} is not set in the environment of AgentCore; export it`;
  if (!canMask(value))
    return `the secret ${name} is shorter than ${secretCharsMin} characters and cannot be masked`;
  return null;
}

/** `others`: more texts that are masked. */
export function secretsMasker(
  { secrets = [] }: WorkerTask,
  hostEnv: HostEnv,
  others: readonly string[] = [],
): Masker {
  const texts = [...Object.values(pickEnv(hostEnv, secrets)), ...others];
  return texts.length === 0 ? noMasker : createMasker(texts);
}

/** A stream without secrets does not change. */
export function masked({ masker }: Run, sink: StreamSink): StreamSink {
  if (masker === noMasker) return sink;
  const stream = masker.stream();
  return {
    write: (chunk) => sink.write(stream.write(chunk)),
    onDrain: (resume) => sink.onDrain(resume),
    end() {
      const rest = stream.end();
      if (rest.length > 0) sink.write(rest);
      sink.end();
    },
  };
}
