/**
 * Connections to providers: one pool for each provider, with its certificate, through the proxy that the environment names.
 */
import { AgentCoreError, errorText } from "@agentcore/contract";
import { readFile } from "node:fs/promises";
import { Agent, EnvHttpProxyAgent, type Dispatcher } from "undici";
import type { ProviderConfig } from "../config.ts";

export class UpstreamPool {
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #pools = new Map<string, Promise<Dispatcher>>();
  #isClosed = false;

  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.#env = env;
  }

  /** Rejects with `AC_CONFIG_INVALID` if a certificate cannot be read. */
  async of(provider: string, config: ProviderConfig | undefined, baseUrl: string): Promise<Dispatcher> {
    const key = JSON.stringify([provider, new URL(baseUrl).origin]);
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      pool = this.#open(provider, config, baseUrl);
      this.#pools.set(key, pool);
      // The next attempt reads the files again.
      pool.catch(() => this.#pools.delete(key));
    }
    return await pool;
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const pools = await Promise.allSettled(this.#pools.values());
    this.#pools.clear();
    const open = pools.flatMap((pool) => (pool.status === "fulfilled" ? [pool.value] : []));
    await Promise.all(open.map((pool) => pool.destroy()));
  }

  async #open(provider: string, config: ProviderConfig | undefined, baseUrl: string): Promise<Dispatcher> {
    const tls = await tlsOf(provider, config);
    const options = {
      connect: tls,
      allowH2: false,
      // The watchdog decides how long a run may wait for a response (`watchdog.first_byte`, `stream_silence`). It sees each wait,
      // and the end of the attempt ends the request.
      headersTimeout: 0,
      bodyTimeout: 0,
    };
    const dispatcher = isLoopback(new URL(baseUrl).hostname)
      ? new Agent(options)
      : new EnvHttpProxyAgent({ ...options, requestTls: tls, ...proxiesOf(this.#env) });
    if (this.#isClosed) await dispatcher.destroy();
    return dispatcher;
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(?:\.\d+){3}$/.test(host);
}

/** Empty texts, so that undici does not read the environment of the process in their place. */
function proxiesOf(env: Readonly<Record<string, string | undefined>>) {
  const of = (name: string): string => env[name.toLowerCase()] ?? env[name] ?? "";
  return { httpProxy: of("HTTP_PROXY"), httpsProxy: of("HTTPS_PROXY"), noProxy: of("NO_PROXY") };
}

async function tlsOf(
  provider: string,
  config: ProviderConfig | undefined,
): Promise<{ cert?: Buffer; key?: Buffer; ca?: Buffer }> {
  const read = async (setting: string, path: string): Promise<Buffer> => {
    try {
      return await readFile(path);
    } catch (error) {
      throw new AgentCoreError(
        "AC_CONFIG_INVALID",
        `providers.${provider}.${setting}: the file cannot be read: ${errorText(error)}`,
      );
    }
  };
  const { client_certificate: certificate, ca } = config ?? {};
  return {
    ...(certificate === undefined
      ? {}
      : {
          cert: await read("client_certificate.cert", certificate.cert),
          key: await read("client_certificate.key", certificate.key),
        }),
    ...(ca === undefined ? {} : { ca: await read("ca", ca) }),
  };
}
