/** For tests of adapters: the conformance suite and the scriptable fake agent. */
export const conformanceVersion = 1;
