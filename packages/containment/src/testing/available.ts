/** For this package's own tests: which implementations are here, said aloud, and demanded where they must be. */
import type { ImplementationReport } from "../probe.ts";
import { probeContainment } from "../probe.ts";

/** Reports of what is available; prints the rest, and throws where bubblewrap is required and missing. */
export async function availableImplementations(): Promise<ImplementationReport[]> {
  const { implementations } = await probeContainment();
  const missing = implementations.filter((report) => !report.available);
  for (const { implementation, reason } of missing) {
    console.log(`UNAVAILABLE, not tested here: ${implementation}: ${reason}`);
  }
  const required = process.env.AGENTCORE_REQUIRE_BWRAP === "1";
  if (required && missing.some((report) => report.implementation === "bubblewrap")) {
    throw new Error("AGENTCORE_REQUIRE_BWRAP=1 and bubblewrap is not available");
  }
  return implementations.filter((report) => report.available);
}
