/**
 * A port on which connections are refused for as long as its handle lives. A port that was merely closed could be
 * given to another process at once; this one stays occupied as the local end of a connection, on which nobody listens.
 */
import { connect, createServer, type AddressInfo } from "node:net";

export interface RefusingPort {
  readonly port: number;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  close(): Promise<void>;
}

export async function startRefusingPort(): Promise<RefusingPort> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const holder = connect((server.address() as AddressInfo).port, "127.0.0.1");
  await new Promise<void>((resolve, reject) => {
    holder.once("error", reject);
    holder.once("connect", resolve);
  });
  const port = holder.localPort ?? 0;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise<void>((resolve) => {
        holder.destroy();
        server.close(() => {
          resolve();
        });
      }),
  };
}
