/** A part of a file as text or base64, by its offset in bytes. */
import type { FileHandle } from "node:fs/promises";

export interface FilePart {
  /** Of the first byte of `text` in the file. */
  readonly offset: number;
  readonly nextOffset: number;
  readonly sizeBytes: number;
  readonly text: string;
}

export interface PartOptions {
  /** Negative: from the end. An offset after the end gives an empty part. */
  readonly offset: number;
  readonly limit: number;
  /** Of `text`. Default: utf8. */
  readonly encoding?: "utf8" | "base64";
  /** Whether nothing more is written: the last character is then given even if it is cut off. */
  readonly isComplete: boolean;
}

/** Closes the file. Null: there is none yet, as if it were empty. */
export async function readPart(
  file: FileHandle | null,
  { offset, limit, encoding = "utf8", isComplete }: PartOptions,
): Promise<FilePart> {
  if (file === null) return { offset: 0, nextOffset: 0, sizeBytes: 0, text: "" };
  try {
    const { size } = await file.stat();
    const from = offset < 0 ? Math.max(0, size + offset) : Math.min(offset, size);
    const buffer = Buffer.alloc(Math.min(limit, size - from));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
    const bytes = buffer.subarray(0, bytesRead);
    const isLast = encoding === "base64" || (isComplete && from + bytes.length >= size);
    const whole = isLast ? bytes : bytes.subarray(0, wholeCharacters(bytes));
    return {
      offset: from,
      nextOffset: from + whole.length,
      sizeBytes: size,
      text: whole.toString(encoding),
    };
  } finally {
    await file.close();
  }
}

/** Bytes up to the last character that is complete: the rest of it comes with the next chunk. */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
