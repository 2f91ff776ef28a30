/** The error codes of the API: a part of the catalog in `error-codes.ts`. */
export const apiErrorCodes = {
  AC_API_UNREACHABLE: {
    meaning: "The daemon does not answer at its address.",
    retryable: true,
    cure: "Start `agentcored`, or correct the URL or the state directory.",
  },
  AC_API_UNAUTHORIZED: {
    meaning: "The request has no token, or one that is wrong, expired or revoked.",
    retryable: false,
    cure: "Create a token on the daemon's machine (`agentcore token create NAME --state-dir DIR`), and set AGENTCORE_TOKEN to it, or send `Authorization: Bearer TOKEN`.",
  },
  AC_API_FORBIDDEN: {
    meaning: "The token has the scope `read`, and the request would change something.",
    retryable: false,
    cure: "Use a token with the scope `operate`: `agentcore token create NAME --scope operate --state-dir DIR` on the daemon's machine.",
  },
  AC_API_HOST: {
    meaning: "The request names a host that is not one of the daemon.",
    retryable: false,
    cure: "Call it by its address, or add the name to `server.http.names` of the daemon file.",
  },
  AC_API_ORIGIN: {
    meaning: "The request comes from a page of another site.",
    retryable: false,
    cure: "Open the daemon's own page, or call the API from a program.",
  },
  AC_API_REQUEST: {
    meaning: "The request is wrong.",
    retryable: false,
    cure: "Correct the named field; docs/api.md lists what each operation takes.",
  },
  AC_API_TOO_LARGE: {
    meaning: "The body of the request is larger than 1 MiB.",
    retryable: false,
    cure: "Send less in one request.",
  },
  AC_API_NO_OPERATION: {
    meaning: "The API has no such operation.",
    retryable: false,
    cure: "docs/api.md lists the operations; this daemon may be older than its client.",
  },
  AC_API_BUSY: {
    meaning: "As many clients follow events as are allowed.",
    retryable: true,
    cure: "Close others, or try again later.",
  },
  AC_API_TIMEOUT: {
    meaning: "The answer took too long. The request may have had its effect.",
    retryable: true,
    cure: "Look whether it had its effect, then repeat it if not.",
  },
  AC_TOKEN_NOT_FOUND: {
    meaning: "No token has that id.",
    retryable: false,
    cure: "`agentcore token list` shows the tokens.",
  },
  AC_TRIGGERS_NONE: {
    meaning: "The process runs no triggers.",
    retryable: false,
    cure: "Start `agentcored` with a daemon file.",
  },
} as const;
