/**
 * Reads and writes text files. Every reader skips a byte order mark and refuses invalid UTF-8 with its position; every
 * failure names the file and the system's error.
 */
import {
  AgentCoreError,
  errorCode,
  isAgentCoreError,
  isMissingOrBelowFile,
  type ErrorCode,
} from "@agentcore/contract";
import { isUtf8 } from "node:buffer";
import { accessSync, constants, statSync } from "node:fs";
import { open, readFile, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Io } from "./io.ts";
import { systemWords } from "./system-words.ts";

/** `name`: for messages. Throws `code`. */
export function decodeText(bytes: Buffer, name: string, code: ErrorCode = "AC_USAGE"): string {
  const text = bytes.toString("utf8");
  if (!isUtf8(bytes)) {
    // The first byte that is not text is the first that differs after the round trip.
    const back = Buffer.from(text);
    let at = 0;
    while (bytes[at] === back[at]) at += 1;
    const line = bytes.subarray(0, at).toString("latin1").split("\n").length;
    const hex = (bytes[at] ?? 0).toString(16).padStart(2, "0");
    throw new AgentCoreError(
      code,
      `${name} is not UTF-8: byte 0x${hex} at offset ${at}, in line ${line}; convert it, for example with iconv`,
    );
  }
  return withoutByteOrderMark(text);
}

export const withoutByteOrderMark = (text: string): string => text.replace(/^\ufeff/, "");

/** Throws `AC_USAGE`. */
export async function readTextFile(file: string, cwd: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(resolve(cwd, file));
  } catch (error) {
    throw cannot("read", file, error);
  }
  return decodeText(bytes, file);
}

/** Larger files are refused: people, or small programs, write what other files name. */
const fileBytesMax = 16 * 1024 * 1024;

/**
 * Null if it does not exist; throws `code`. A file that another file names, or that is read again later, may have been replaced
 * by a repository or a worker: reading a pipe would wait without end, and a device would never end. `what`: for messages.
 */
export async function readNamedFile(path: string, what: string, code: ErrorCode): Promise<string | null> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = await file.stat();
      if (!stats.isFile() && !stats.isDirectory()) throw new Error("it is not a regular file");
      if (stats.size > fileBytesMax) throw new Error(`it is larger than ${fileBytesMax / 1024 ** 2} MiB`);
      return decodeText(await file.readFile(), path, code);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isMissingOrBelowFile(error)) return null;
    if (isAgentCoreError(error)) throw error;
    const why =
      errorCode(error) === "EISDIR" ? `it is a directory; name the ${what} in it` : systemWords(error);
    throw new AgentCoreError(code, `cannot read ${path}: ${why}`, { cause: error });
  }
}

/** Throws `AC_USAGE` if a file could not be written there. Call before the work that produces its content. */
export function checkWritable(file: string, cwd: string): void {
  const path = resolve(cwd, file);
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory() === true)
      throw new AgentCoreError("AC_USAGE", `cannot write ${file}: it is a directory; name a file in it`);
    accessSync(found === undefined ? dirname(path) : path, constants.W_OK);
  } catch (error) {
    throw cannot("write", file, error);
  }
}

/** Throws `AC_USAGE`. */
export async function writeTextFile(file: string, cwd: string, text: string): Promise<void> {
  try {
    await writeFile(resolve(cwd, file), text);
  } catch (error) {
    throw cannot("write", file, error);
  }
}

/**
 * Writes a file that belongs to the end of a run. Returns false, after a message, if it could not be written: the result of the
 * run does not change. True if no file was asked for.
 */
export async function writeReport(
  file: string | undefined,
  text: () => string,
  { cwd, stderr }: Pick<Io, "cwd" | "stderr">,
): Promise<boolean> {
  if (file === undefined) return true;
  try {
    await writeTextFile(file, cwd, text());
    return true;
  } catch (error) {
    if (!isAgentCoreError(error)) throw error;
    stderr.write(`agentcore: ${error.message}\n`);
    return false;
  }
}

function cannot(what: "read" | "write", file: string, error: unknown): unknown {
  if (error instanceof AgentCoreError) return error;
  const { code } = error as NodeJS.ErrnoException;
  const why =
    code === "ENOENT"
      ? what === "read"
        ? "no such file"
        : "no such directory"
      : code === "EISDIR"
        ? "it is a directory; name a file in it"
        : systemWords(error);
  return new AgentCoreError("AC_USAGE", `cannot ${what} ${file}: ${why}`, { cause: error });
}
