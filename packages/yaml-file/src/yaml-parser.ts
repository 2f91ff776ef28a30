/**
 * The functions of the parser that knows places, as one module that is loaded when one is needed. Not `import("yaml")` itself:
 * that package is CommonJS, and a bundler with code splitting gives a dynamic import of it only a default export.
 */
export { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
