/** A value of a matrix as a part of a folder's name: nothing in it may part folders. Pure. */
export function folderName(value: string): string {
  return value.replaceAll(/[/\\\0\n]/g, "_");
}
