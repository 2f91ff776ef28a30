/** The command line's library door: see README.md. */
export { exitCodeOf, exitCodes } from "./exit-code.ts";
