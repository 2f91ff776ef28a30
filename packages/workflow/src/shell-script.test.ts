import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ScriptValues } from "./script-values.ts";

const directory = mkdtempSync(join(tmpdir(), "agentcore-script-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** The output of bash for the script when `${{ inputs.x }}` has the value. */
function run(script: string, value: string): string {
  const values = new ScriptValues(([root, name]) => (root === "inputs" && name === "x" ? value : "other"));
  const text = values.script(script);
  const env = { PATH: process.env["PATH"], ...values.environment() };
  return execFileSync("bash", ["-e", "-c", text], {
    cwd: directory,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
}

const x = "${{ inputs.x }}";

describe("a placeholder in a script gives its value", () => {
  it.each<[string, string, string]>([
    ["bare", `printf '%s|' a ${x} b`, "a|VALUE|b|"],
    ["in an assignment", `v=${x}; printf %s "$v"`, "VALUE"],
    ["in double quotes", `printf %s "<${x}>"`, "<VALUE>"],
    ["in single quotes", `printf %s '<${x}>'`, "<VALUE>"],
    ["in $'…'", `printf %s $'<\\t${x}\\n>'`, "<\tVALUE\n>"],
    ["in quotes that hold the other kind", `printf %s "it's '${x}'"`, "it's 'VALUE'"],
    ["in a substitution", `printf %s "$(printf %s '${x}')"`, "VALUE"],
    ["in backticks", `printf %s \`printf %s ${x}\``, "VALUE"],
    ["in a default", `printf %s "\${none:-${x}}"`, "VALUE"],
    ["behind a case pattern", `case a in a) printf %s '${x}' ;; esac`, "VALUE"],
    ["behind a comment with an apostrophe", `# don't\nprintf %s '${x}'`, "VALUE"],
    ["in a here-document", `cat <<EOF\nit's "${x}" \${HOME-none}\nEOF`, `it's "VALUE" none\n`],
    ["in a quoted one", `cat <<'EOF'\n$HOME \`a\` \\n "${x}"\nEOF`, '$HOME `a` \\n "VALUE"\n'],
    ["in one whose word needs its quotes", `cat <<'THE END'\n$a ${x}\nTHE END\necho`, "$a VALUE\n\n"],
    ["in one with tabs", `cat <<-"EOF"\n\t${x}\n\tEOF`, "VALUE\n"],
    ["behind a shift", `n=$((1 << 2)); printf '%s %s' "$n" ${x}`, "4 VALUE"],
    ["behind a here-string", `cat <<< 'a'; printf %s ${x}`, "a\nVALUE"],
    ["behind a backslash", `printf %s \\${x}`, "VALUE"],
    ["twice, and beside another", `printf %s "${x}${x}\${{ matrix.y }}"`, "VALUEVALUEother"],
  ])("%s", (_where, script, expected) => {
    expect(run(script, "VALUE")).toBe(expected);
    // Quoted text does not change, regardless of its content.
    const odd = `'; touch INJECTED; "$(touch INJECTED)" \`touch INJECTED\` EOF`;
    const printed = run(script, odd);
    if (!/bare|backticks|shift|here-string|backslash/.test(_where)) {
      expect(printed).toBe(expected.replaceAll("VALUE", odd));
    }
  });

  it.each([
    `echo ${x}`,
    `echo "${x}"`,
    `echo '${x}'`,
    `# ${x}\ntrue`,
    `cat <<EOF\n${x}\nEOF`,
    `cat <<'EOF'\n${x}\nEOF`,
    `echo "$(echo '${x}')"`,
    `: "\${a:-'${x}'}"`,
    `x='unclosed'"'"'${x}'; echo $x`,
  ])("and never runs it: %j", (script) => {
    for (const value of [
      "; touch INJECTED",
      "\ntouch INJECTED\n",
      "' ; touch INJECTED ; '",
      '" ; touch INJECTED ; "',
      "$(touch INJECTED)",
      "`touch INJECTED`",
      "\nEOF\ntouch INJECTED\n",
      "} ; touch INJECTED ; {",
    ]) {
      run(script, value);
      expect({ value, files: readdirSync(directory) }).toEqual({ value, files: [] });
    }
  });
});

it("a script without placeholders is left as it is", () => {
  const values = new ScriptValues(() => "no");
  const script = "cat <<'EOF'\n$x '`\nEOF\necho ${x} '${{'";
  expect(values.script(script)).toBe(script);
  expect(values.environment()).toEqual({});
});
