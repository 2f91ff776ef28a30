/** Where the value of a placeholder would be code in a bash script: each place is shown with bash. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { codeInScript, scriptWithValues } from "./shell-script.ts";

const directory = mkdtempSync(join(tmpdir(), "agentcore-code-"));
const mark = join(directory, "INJECTED");
afterAll(() => rmSync(directory, { recursive: true }));

const placeholderAt = (text: string, at: number) => (text.startsWith("{{x}}", at) ? { end: at + 5 } : null);

const whereIn = (script: string): readonly string[] =>
  codeInScript(script, placeholderAt).map(({ where }) => where);

/** Whether bash runs a command that is in the value. */
function runs(script: string): boolean {
  const text = scriptWithValues(script, (all, at) => {
    const found = placeholderAt(all, at);
    return found && { variable: "VALUE", end: found.end };
  });
  return ["a[$(touch INJECTED)]", "touch INJECTED", "$(touch INJECTED)"].some((value) => {
    rmSync(mark, { force: true });
    try {
      const env = { PATH: process.env["PATH"], VALUE: value };
      execFileSync("bash", ["-c", text], { cwd: directory, env, stdio: "ignore" });
    } catch {
      // A script may fail after it has run the value.
    }
    return existsSync(mark);
  });
}

describe("a value is found where bash would run it", () => {
  it.each<[string, string]>([
    ["echo $(( {{x}} + 1 ))", "(( … ))"],
    ['echo "$(( ({{x}}) * 2 ))"', "(( … ))"],
    ["echo $(( $(echo ')' >&2; echo 1) + {{x}} ))", "(( … ))"],
    ["(( {{x}} > 1 )) || true", "(( … ))"],
    ["for (( i = 0; i < {{x}}; i++ )); do :; done", "(( … ))"],
    ["cat <<EOF\n$(( {{x}} ))\nEOF", "(( … ))"],
    ["echo $[ {{x}} + 1 ]", "$[ … ]"],
    ["if [[ {{x}} -eq 1 ]]; then :; fi", "[[ … -eq … ]]"],
    ['[[ a == a && ( 3 -lt "{{x}}" ) ]]', "[[ … -eq … ]]"],
    ["[[ -v {{x}} ]]", "[[ -v … ]]"],
    ['if ! test -v "{{x}}"; then :; fi', "test -v"],
    ['[ -v "{{x}}" ]', "[ -v"],
    ["b[{{x}}]=1", "an array subscript"],
    ["b=(0 [{{x}}]=1)", "an array subscript"],
    ['echo "${b[{{x}}]}"', "an index in ${ … }"],
    ["c=abc; echo ${c:{{x}}}", "an index in ${ … }"],
    ['c=abc; echo "${c:0:"{{x}}"}"', "an index in ${ … }"],
    ['let "n = {{x}}"', "let"],
    ["declare -i n={{x}}", "declare -i"],
    ["f() { local -ri n='{{x}}'; }; f", "local -i"],
    ["declare -n r={{x}}; echo $r", "declare -n"],
    ['declare "{{x}}=1"', "a name for declare"],
    ["OPTIND={{x}}", "OPTIND="],
    ["export RANDOM='{{x}}'", "RANDOM="],
    ['printf -v "{{x}}" 1', "printf -v"],
    ['read -r "{{x}}" <<< 1', "a name for read"],
    ['a=(1); unset "{{x}}"', "unset"],
    ['sleep 0 & wait -n -p "{{x}}"', "wait -p"],
    ["eval 'echo {{x}}'", "eval"],
    ['true && FOO=1 eval "{{x}}" 2>&1', "eval"],
    ["trap '{{x}}' EXIT", "trap"],
    ['bash -c "echo {{x}}"', "bash -c"],
    ['timeout 9 bash -o pipefail -ec \\\n  "{{x}}; true"', "bash -c"],
    ["echo 1 | xargs -I_ sh -c 'echo _ {{x}}'", "sh -c"],
    ["bash -s <<'EOF'\n{{x}}\nEOF", "a here-document for a shell"],
    ["sh <<EOF\necho {{x}}\nEOF", "a here-document for a shell"],
  ])("%s", (script, where) => {
    expect({ runs: runs(script), where: whereIn(script) }).toEqual({ runs: true, where: [where] });
  });
});

describe("a value is no code, and is not refused", () => {
  it.each([
    'n="{{x}}"; case $n in "" | *[!0-9]*) exit 1 ;; esac; echo $((n + 1))',
    '[ "{{x}}" -eq 1 ] || test "{{x}}" -gt 2',
    '[[ "{{x}}" == a && 1 -eq 1 ]]; [[ 2 -lt 3 || -n {{x}} ]]',
    "[[ {{x}} =~ ^(a|b)$ ]] && echo '{{x}}'",
    "read -r a b <<< '{{x}}'; read -p '{{x}}' -r c < /dev/null",
    'while IFS= read -r line; do echo "$line"; done <<< "{{x}}"',
    "bash -c 'echo \"$1\"' _ '{{x}}'; sh ./none.sh {{x}}",
    "cat <<EOF | sort\n{{x}}\nEOF",
    "sort <<'EOF' > '{{x}}.txt'\n{{x}}\nEOF",
    'c=abc; echo "${c:-{{x}}}" "${c/b/{{x}}}" "${c#{{x}}}"',
    "declare n={{x}}; export M='{{x}}'; local -r o={{x}}",
    "echo eval {{x}} # $(( {{x}} ))",
    "eval true\necho {{x}}; let n=1; printf '%d' {{x}}",
    "(echo $((1 + 2)); echo {{x}})",
    "trap 'exit 1' {{x}}; trap - EXIT",
    "case a in a) echo {{x}} ;; esac",
    "echo [{{x}}] a[{{x}}] 2>&1 {{x}}",
  ])("%s", (script) => {
    expect({ runs: runs(script), where: whereIn(script) }).toEqual({ runs: false, where: [] });
  });
});
