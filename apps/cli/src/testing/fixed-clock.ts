/** Loaded before the program: its wall clock stands still at `AGENTCORE_TEST_NOW`, so that what it shows can be compared. */
const now = Number(process.env["AGENTCORE_TEST_NOW"]);

Date.now = () => now;
