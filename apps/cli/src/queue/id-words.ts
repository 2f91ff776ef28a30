/** Words that stand for an id on the command line. Apart from the rest, so that help loads nothing. */

/** The newest job or run. `--last` means the same. */
export const lastWord = "@last";
