/**
 * What is used of the parsers, as one module to load when there is YAML to read. Not `import("yaml")` itself: that package is
 * CommonJS, and a bundler that splits files gives a dynamic import of such a package a default export only.
 */
export { load, YAMLException } from "js-yaml";
export { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, visit } from "yaml";
