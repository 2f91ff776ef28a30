import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { spawn } from "node:child_process";
import { expect, it, onTestFinished } from "vitest";
import { until } from "@agentcore/contract/testing";
import { openRig } from "../testing/rig.ts";
import { messageEvents, streams } from "../testing/upstream.ts";
import { listen } from "./listeners.ts";

const hello = messageEvents(["Hello"]);

async function temporary(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "agentcore-listen-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

it("listens from the first meter on, with a socket of mode 0600 in a directory of mode 0700, and leaves nothing behind", async () => {
  const rig = await openRig(streams(hello));
  const directory = join(rig.directory, "gate");
  await expect(stat(directory)).rejects.toThrow("ENOENT");
  const attempt = await rig.open();
  const { socketPath, url } = attempt.meter.access;
  expect(dirname(socketPath)).toBe(directory);
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
  expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
  expect(new URL(url).hostname).toBe("127.0.0.1");
  await (await attempt.post()).text();
  await rig.gate.close();
  expect(await readdir(directory)).toEqual([]);
  await until(async () => (await rig.upstream.connections()) === 0);
  await expect(once(connect(Number(new URL(url).port), "127.0.0.1"), "connect")).rejects.toThrow(
    "ECONNREFUSED",
  );
  await expect(rig.open()).rejects.toMatchObject({ code: "AC_DRAINING" });
});

it("uses a directory for temporary files if the path is too long for a socket", async () => {
  const directory = join(await temporary(), "x".repeat(100));
  const listeners = await listen({ directory, handler: () => {} });
  expect(listeners.socketPath.startsWith(tmpdir())).toBe(true);
  expect((await stat(dirname(listeners.socketPath))).mode & 0o777).toBe(0o700);
  await listeners.close();
  await expect(stat(dirname(listeners.socketPath))).rejects.toThrow("ENOENT");
});

it("removes the sockets of processes that were killed, and no other file", async () => {
  const directory = join(await temporary(), "gate");
  await mkdir(directory);
  const script = `require("node:net").createServer().listen(process.argv[1] + "/" + process.pid + "-00.sock", () => console.log("up"))`;
  const child = spawn(process.execPath, ["-e", script, directory], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
  const live = createServer().listen(join(directory, `${process.ppid}-00.sock`));
  await once(live, "listening");
  const listeners = await listen({ directory, handler: () => {} });
  expect((await readdir(directory)).sort()).toEqual(
    [`${process.ppid}-00.sock`, listeners.socketPath.slice(directory.length + 1)].sort(),
  );
  await listeners.close();
  live.close();
  await once(live, "close");
});

it("ends a request whose body does not arrive in time", async () => {
  const handler = (request: { resume(): void }) => request.resume();
  const listeners = await listen({ directory: await temporary(), handler, requestMsMax: 50 });
  const socket = connect(Number(new URL(listeners.url).port), "127.0.0.1");
  socket.write("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nabc");
  let text = "";
  for await (const part of socket) text += String(part);
  expect(text).toContain("408 Request Timeout");
  await listeners.close();
});

it("names the place if it cannot listen", async () => {
  const file = join(await temporary(), "file");
  await writeFile(file, "");
  await expect(listen({ directory: join(file, "gate"), handler: () => {} })).rejects.toMatchObject({
    code: "AC_ADDRESS_UNAVAILABLE",
    message: expect.stringContaining(join(file, "gate")),
  });
});
