/** Opens containment and prints what was chosen and why, as JSON. */
import { openContainment } from "../index.ts";

const { implementation, level, probe } = await openContainment();
process.stdout.write(JSON.stringify({ implementation, level, reports: probe.implementations }));
