/**
 * Opens files that a worker or another user may have placed. Only a regular file is opened: never the target of a symbolic
 * link, a FIFO (opening one may block without end) or a device. At most the allowed number of bytes is read. Every reader
 * of logs, records, spooled results and outputs uses this module.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";

/** The file may not be read. The message names it and the reason. */
export class PlacedFileError extends Error {
  override readonly name = "PlacedFileError";
  readonly code = "PLACED_FILE";

  /** Such as `it is a symbolic link`. */
  readonly reason: string;

  constructor(path: string, reason: string) {
    super(`${path} is not read: ${reason}`);
    this.reason = reason;
  }
}

export interface PlacedFileRules {
  /** Refuse a larger file. Default: any size. */
  readonly bytesMax?: number;
  /** Refuse a file that belongs to another user, or that its group or others can write. Default false. */
  readonly ownOnly?: boolean;
}

/** Without O_NONBLOCK, opening a FIFO waits for a writer. */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Opens a file for reading. Throws {@link PlacedFileError}, and system errors such as ENOENT. */
export async function openPlacedFile(path: string, rules: PlacedFileRules = {}): Promise<FileHandle> {
  const file = await open(path, flags).catch((error: unknown) => {
    throw asRefusal(path, error);
  });
  try {
    check(path, await file.stat(), rules);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Its text. Throws as {@link openPlacedFile} does. */
export async function readPlacedFile(path: string, rules: PlacedFileRules = {}): Promise<string> {
  const file = await openPlacedFile(path, rules);
  try {
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

/** Its text. Throws as {@link openPlacedFile} does. */
export function readPlacedFileSync(
  path: string,
  rules: PlacedFileRules & { readonly bytesMax: number },
): string {
  const fd = openOrRefuse(path);
  try {
    check(path, fstatSync(fd), rules);
    const bytes = Buffer.alloc(rules.bytesMax);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = readSync(fd, bytes, length, bytes.length - length, null);
    return bytes.toString("utf8", 0, length);
  } finally {
    closeSync(fd);
  }
}

function openOrRefuse(path: string): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    throw asRefusal(path, error);
  }
}

function check(path: string, found: Stats, { bytesMax, ownOnly = false }: PlacedFileRules): void {
  const refuse = (why: string): never => {
    throw new PlacedFileError(path, why);
  };
  if (!found.isFile()) refuse("it is not a regular file");
  if (bytesMax !== undefined && found.size > bytesMax) refuse(`it is larger than ${bytesMax} bytes`);
  if (!ownOnly) return;
  if (found.uid !== process.geteuid?.()) refuse(`it belongs to user ${found.uid}`);
  if ((found.mode & 0o022) !== 0) refuse("others may write it");
}

/** ELOOP: a symbolic link. ENXIO: a socket, or a FIFO or device that cannot be opened so. */
function asRefusal(path: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ELOOP") return new PlacedFileError(path, "it is a symbolic link");
  if (code === "ENXIO") return new PlacedFileError(path, "it is not a regular file");
  return error;
}
