/** Checks `notify`: one way to tell, and placeholders that exist. */
import { didYouMean, listOf, type Path, type Raw, rawOf, type Report, textOf } from "@agentcore/yaml-file";
import { placeholdersIn } from "../expression.ts";
import { secretIn } from "../run/notify-texts.ts";

/** `checkOther`: checks an expression that is no secret. */
export function checkNotify(
  file: Raw,
  report: Report,
  checkOther: (expression: string, path: Path) => void,
): void {
  const secrets = listOf(file["secrets"]).flatMap((name) => textOf(name) ?? []);
  for (const [index, value] of listOf(file["notify"]).entries()) {
    const rule = rawOf(value);
    const path = ["notify", index];
    if ((rule["command"] === undefined) === (rule["webhook"] === undefined))
      report(path, "needs exactly one of command, webhook", "key");
    for (const key of ["command", "webhook"]) {
      for (const expression of placeholdersIn(textOf(rule[key]) ?? "")) {
        const secret = secretIn(expression);
        if (secret === null) checkOther(expression, [...path, key]);
        else if (!secrets.includes(secret)) {
          const hint = didYouMean(secret, secrets) || "; list it under secrets, at the top of the file";
          report([...path, key], `the workflow has no secret "${secret}"${hint}`);
        }
      }
    }
    const url = textOf(rule["webhook"]);
    if (url !== undefined && placeholdersIn(url).length === 0 && !/^https?:\/\/[^/]/.test(url))
      report([...path, "webhook"], "is not a URL that begins with https:// or http://");
  }
}
