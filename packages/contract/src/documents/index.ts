/** The documents that programs read: lines of `--json`, and answers of the API. */
export * from "./daemon-documents.ts";
export * from "./error-document.ts";
export * from "./form.ts";
export * from "./job-documents.ts";
export * from "./overview-document.ts";
export * from "./requests.ts";
export * from "./trigger-documents.ts";
export * from "./workflow-documents.ts";
