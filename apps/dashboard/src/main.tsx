import { render } from "preact";
import { App } from "./app.tsx";
import { followOtherTabs } from "./api/token.ts";
import { startClock } from "./live/clock.ts";
import { startLive } from "./live/live.ts";
import { startTheme } from "./theme.ts";

startTheme();
followOtherTabs();
startClock();
startLive();
const place = document.getElementById("page");
if (place !== null) render(<App />, place);
