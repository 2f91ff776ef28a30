/** The SharedWorker: browsers open only six connections to a host, so that all tabs together must use one stream. */
import type { TabState } from "./messages.ts";
import { StreamHub } from "./stream-hub.ts";

const hub = new StreamHub();
const ports = new Set<MessagePort>();

addEventListener("connect", (event) => {
  const port = (event as MessageEvent).ports[0];
  if (port === undefined) return;
  ports.add(port);
  let isWatched = false;
  port.addEventListener("message", ({ data }: MessageEvent<TabState>) => {
    if (!ports.has(port)) return;
    hub.update(port, data);
    const { lock } = data;
    if (lock === null || isWatched) return;
    isWatched = true;
    // A port does not say that its tab is gone, but the lock that the tab held becomes free then. Pages that come neither from
    // loopback nor over TLS have no locks; their tabs are hidden before they go.
    void navigator.locks.request(lock, () => {
      ports.delete(port);
      hub.remove(port);
    });
  });
  port.start();
});
