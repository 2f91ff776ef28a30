/** The rig of the worker tests; `npm run test:workers` is its way in. See README.md. */
export { cliNames, type CliName, type InstallationPaths } from "./installation.ts";
export { installClis, InstallationError, type InstallOptions } from "./install.ts";
