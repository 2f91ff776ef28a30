/** The functions of the fast parser that are used, so that a bundler leaves out the rest of it. */
export { load, YAMLException } from "js-yaml";
