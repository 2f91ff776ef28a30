/** Starts a process that cannot leave anything behind: probing, spawning, stopping and proving emptiness. */
export * from "./port.ts";
