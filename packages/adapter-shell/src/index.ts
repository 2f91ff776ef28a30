/** Runs a shell script as a worker. */
export { shellAdapter, shellAdapter as default } from "./shell-adapter.ts";
