/**
 * The fake agent itself: performs the script in the file named by its first argument. A program of its own, started by the
 * launcher that `createFakeAgent` writes; nothing imports it.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { FakeChild, FakeLedgerEntry, FakeScript, FakeStep, FakeStream } from "./fake-agent-script.ts";

const descriptors: Readonly<Record<FakeStream, number>> = { stdout: 1, stderr: 2 };
const regrouped = "--in-own-group";

const [scriptPath = "", ...args] = process.argv.slice(2);
const script = JSON.parse(readFileSync(scriptPath, "utf8")) as FakeScript;

if (script.versionArgs.length > 0 && script.versionArgs.join("\0") === args.join("\0")) {
  write(1, Buffer.from(`${script.version}\n`));
} else {
  await perform(args[0] === regrouped ? Number(args[1]) : 0);
}

async function perform(firstStep: number): Promise<void> {
  if (firstStep === 0)
    note({ event: "start", at: Date.now(), runId: process.env["AGENTCORE_RUN_ID"] ?? null });
  for (const [index, step] of script.steps.entries()) {
    if (index < firstStep) continue;
    if (step.do === "change_group") return continueInOwnGroup(index + 1);
    await performStep(step);
  }
  note({ event: "end", at: Date.now() });
}

async function performStep(step: Exclude<FakeStep, { do: "change_group" }>): Promise<void> {
  switch (step.do) {
    case "print":
      return write(descriptors[step.stream], Buffer.from(step.lines.map((line) => `${line}\n`).join("")));
    case "bytes":
      return write(descriptors[step.stream], Buffer.from(step.base64, "base64"));
    case "flood":
      return flood(descriptors[step.stream], Buffer.from(`${step.line}\n`), step.bytes);
    case "long_line":
      write(descriptors[step.stream], Buffer.from(step.prefix ?? ""));
      flood(descriptors[step.stream], Buffer.alloc(64 * 1024, "x"), step.bytes);
      return write(descriptors[step.stream], Buffer.from("\n"));
    case "wait":
      return sleep(step.ms);
    case "hang":
      return new Promise(() => void setInterval(() => undefined, 60_000));
    case "write_file":
      return writeFileSync(step.path, step.content);
    case "delete_file":
      return rmSync(step.path, { force: true });
    case "spawn":
      startChild(step.how, step.holdOutput);
      return untilChildRuns(step.how);
    case "ignore_signals":
      for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => undefined);
      return;
    case "flush_on_term":
      process.on("SIGTERM", () => setTimeout(() => flushAndExit(step.code), step.ms));
      return;
    case "close":
      return closeSync(descriptors[step.stream]);
    case "read_stdin":
      return note({ event: "stdin", at: Date.now(), bytes: readFileSync(0).length });
    case "ledger":
      return noteStep(step);
    case "exit":
      note({ event: "end", at: Date.now() });
      return process.exit(step.code);
    case "die":
      process.kill(process.pid, step.signal);
      return new Promise(() => undefined);
  }
}

function noteStep(step: Extract<FakeStep, { do: "ledger" }>): void {
  if (step.event === "cost") return note({ event: "cost", at: Date.now(), usd: step.usd });
  const env = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? ""]));
  note({ event: "surroundings", at: Date.now(), args, env });
}

function flushAndExit(code: number): void {
  note({ event: "flushed", at: Date.now() });
  process.exit(code);
}

/** On disk before it returns, so that the ledger is true whatever happens next. */
function note(entry: FakeLedgerEntry): void {
  const file = openSync(script.ledger, "a");
  writeSync(file, `${JSON.stringify(entry)}\n`);
  fsyncSync(file);
  closeSync(file);
}

function flood(descriptor: number, piece: Buffer, bytes: number): void {
  const block = Buffer.concat(Array<Buffer>(Math.max(1, Math.floor((64 * 1024) / piece.length))).fill(piece));
  let written = 0;
  for (; written + block.length <= bytes; written += block.length) write(descriptor, block);
  for (; written + piece.length <= bytes; written += piece.length) write(descriptor, piece);
}

/** Blocks until everything is written, as a worker in C would. A reader that went away ends the writing. */
function write(descriptor: number, bytes: Uint8Array): void {
  let rest = bytes;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EAGAIN") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      else if (code === "EPIPE" || code === "EBADF") return;
      else throw error;
    }
  }
}

/** A child that sleeps for an hour and has the tag in its command line. */
function startChild(how: FakeChild, holdOutput: boolean): void {
  const sleeper = `exec -a ${script.tag} sleep 3600`;
  const stubborn = `trap '' TERM INT HUP QUIT USR1 USR2; (${sleeper}) & wait`;
  const commands: Record<FakeChild, readonly string[]> = {
    plain: ["bash", "-c", sleeper],
    setsid: ["setsid", "bash", "-c", sleeper],
    nohup: ["nohup", "bash", "-c", sleeper],
    daemon: ["setsid", "-f", "bash", "-c", `cd /; ${stubborn}`],
    hidden: ["setsid", "-f", "env", "-i", "PATH=/usr/bin:/bin", "bash", "-c", `cd /; ${stubborn}`],
  };
  const [command = "", ...rest] = commands[how];
  const output = holdOutput ? "inherit" : "ignore";
  spawn(command, rest, { stdio: ["ignore", output, output] }).unref();
}

/** Waits until the child's own program runs, and notes it: a test that kills it then kills something. */
async function untilChildRuns(how: FakeChild): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!isTagged()) {
    if (Date.now() > deadline) throw new Error(`the ${how} child did not start`);
    await sleep(2);
  }
  note({ event: "spawned", at: Date.now(), how });
}

/** Whether a process is called by the tag, as the sleeping program is once it runs. */
function isTagged(): boolean {
  return readdirSync("/proc").some((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith(script.tag);
    } catch {
      return false; // gone meanwhile
    }
  });
}

function continueInOwnGroup(step: number): Promise<void> {
  const child = spawn(
    process.execPath,
    [...process.execArgv, process.argv[1] ?? "", scriptPath, regrouped, `${step}`],
    {
      stdio: "inherit",
      detached: true,
    },
  );
  return new Promise(() => {
    child.on("exit", (code, signal) => {
      process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
