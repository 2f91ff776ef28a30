/** The browser of the system. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** `CHROMIUM` names another one. Null: there is none. */
export function findChromium(): string | null {
  const named = process.env["CHROMIUM"];
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const programs = ["chromium", "chromium-browser", "google-chrome"];
  const places =
    named === undefined ? programs.flatMap((name) => folders.map((folder) => join(folder, name))) : [named];
  const isProgram = (place: string): boolean => {
    try {
      accessSync(place, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  };
  return places.find(isProgram) ?? null;
}

export const noChromium = "there is no Chromium: apt-get install chromium, or name one in CHROMIUM";
