/** Reads the body of a request whole, decoded, and bounded in size. */
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import zlib from "node:zlib";
import { errorCode } from "@agentcore/contract";

/** Largest body, before and after it is decoded. Requests with images have 10 MB and more. */
const bodyBytesMax = 64 * 1024 * 1024;

export interface RequestBody {
  /** As it came. */
  readonly raw: Buffer;
  readonly decoded: Buffer;
  readonly isEncoded: boolean;
}

export type BodyRead =
  | { readonly kind: "body"; readonly body: RequestBody }
  | { readonly kind: "too_large" }
  /** The message says what is wrong. */
  | { readonly kind: "invalid"; readonly status: 400 | 415; readonly message: string }
  /** The client went away. */
  | { readonly kind: "gone" };

type Decoder = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

/** An older Node has no zstd. */
const zstd = (zlib as Partial<typeof zlib>).zstdDecompress;
const decoders: Readonly<Record<string, Decoder | undefined>> = {
  gzip: promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip),
  "x-gzip": promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip),
  deflate: promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflate),
  br: promisify<Buffer, zlib.BrotliOptions, Buffer>(zlib.brotliDecompress),
  zstd: zstd === undefined ? undefined : promisify<Buffer, zlib.ZstdOptions, Buffer>(zstd),
};

export async function readBody(
  stream: Readable,
  encoding: string | undefined,
  bytesMax = bodyBytesMax,
): Promise<BodyRead> {
  const name = encoding?.trim().toLowerCase() ?? "identity";
  const decoder = decoders[name];
  if (decoder === undefined && name !== "identity") {
    return {
      kind: "invalid",
      status: 415,
      message: `the content encoding ${JSON.stringify(name)} is not known`,
    };
  }
  const raw = await collect(stream, bytesMax);
  if (raw === "gone" || raw === "too_large") return { kind: raw };
  if (decoder === undefined) return { kind: "body", body: { raw, decoded: raw, isEncoded: false } };
  try {
    const decoded = await decoder(raw, { maxOutputLength: bytesMax });
    return { kind: "body", body: { raw, decoded, isEncoded: true } };
  } catch (error) {
    if (errorCode(error) === "ERR_BUFFER_TOO_LARGE") return { kind: "too_large" };
    return { kind: "invalid", status: 400, message: `the body of the request is not valid ${name}` };
  }
}

async function collect(stream: Readable, bytesMax: number): Promise<Buffer | "too_large" | "gone"> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    // The stream stays open after a body that is too large: the refusal goes out on its connection.
    for await (const part of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > bytesMax) return "too_large";
      parts.push(part);
    }
  } catch {
    return "gone";
  }
  return Buffer.concat(parts, bytes);
}
