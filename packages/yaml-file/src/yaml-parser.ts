/**
 * The parser functions that are used, as one module that is loaded when there is YAML to read. Not `import("yaml")` itself:
 * that package is CommonJS, and a bundler with code splitting gives a dynamic import of it only a default export.
 */
export { load, YAMLException } from "js-yaml";
export { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, visit } from "yaml";
