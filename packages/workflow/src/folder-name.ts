/** A matrix value as part of a folder's name: path separators, NUL and line feeds become underscores. Pure. */
export function folderName(value: string): string {
  return value.replaceAll(/[/\\\0\n]/g, "_");
}
