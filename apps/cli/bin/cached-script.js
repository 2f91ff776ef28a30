// Runs a script with the code that V8 made of it in an earlier process. Node's compile cache keeps what V8 compiles when it
// loads a file, and V8 leaves most functions until they are called. A short run calls hundreds of them, and compiling them
// takes longer than the run. So the code is taken at the end of a process, when they are compiled, and kept in a file.
// V8 rejects the code of another version of itself or with other flags. It trusts the rest, hence the checksum.

const dayMs = 24 * 60 * 60 * 1000;
/** Code that nobody has replaced for this long goes when other code is kept: its script was updated. */
const abandonedMs = 30 * dayMs;
/** After that, V8 may have dropped the code of functions that ran only at the start. */
const shortProcessMs = 10_000;
const checksumBytes = 4;

/**
 * Returns the value of the script, which begins with a comment that holds the hash of its content.
 * @param {string} file
 * @param {string | null} directory  where code is kept; null for nowhere
 */
export function runCached(file, directory) {
  const fs = process.getBuiltinModule("node:fs");
  const vm = process.getBuiltinModule("node:vm");
  const source = fs.readFileSync(file, "latin1");
  const [, hash] = /^\/\* ([0-9a-f]{32}) \*\//.exec(source) ?? [];
  const path = process.getBuiltinModule("node:path");
  const kept =
    directory === null || hash === undefined
      ? null
      : path.join(directory, `code-${hash}-${process.version}-${process.arch}`);
  const cachedData = kept === null ? undefined : readKept(kept);
  const script = new vm.Script(source, {
    filename: file,
    cachedData,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const isUsed = cachedData !== undefined && !script.cachedDataRejected;
  if (kept !== null) process.once("exit", () => keep(script, kept, isUsed));
  return script.runInThisContext();
}

function readKept(/** @type {string} */ file) {
  try {
    const content = process.getBuiltinModule("node:fs").readFileSync(file);
    const code = content.subarray(0, -checksumBytes);
    return checksum(code).equals(content.subarray(-checksumBytes)) ? code : undefined;
  } catch {
    return undefined; // Not kept yet, or not readable: the script is compiled then.
  }
}

function checksum(/** @type {Buffer} */ code) {
  const sum = Buffer.alloc(checksumBytes);
  sum.writeUInt32LE(process.getBuiltinModule("node:zlib").crc32(code));
  return sum;
}

/**
 * Keeps the code, unless there is some already. A process that used it replaces it once a day, with what it had and what it
 * compiled: the process that made it may have done little more than print its help.
 */
function keep(
  /** @type {import("node:vm").Script} */ script,
  /** @type {string} */ kept,
  /** @type {boolean} */ isUsed,
) {
  const fs = process.getBuiltinModule("node:fs");
  const path = process.getBuiltinModule("node:path");
  try {
    if (isUsed && (performance.now() > shortProcessMs || ageMs(kept) < dayMs)) return;
    const code = script.createCachedData();
    const whole = `${kept}.${process.pid}`;
    fs.writeFileSync(whole, Buffer.concat([code, checksum(code)]), { mode: 0o600, flag: "wx" });
    fs.renameSync(whole, kept);
    for (const name of fs.readdirSync(path.dirname(kept))) {
      const file = path.join(path.dirname(kept), name);
      if (name.startsWith("code-") && ageMs(file) > abandonedMs) fs.rmSync(file);
    }
  } catch {
    // A full disk, or two processes at once: nothing is lost but time.
  }
}

function ageMs(/** @type {string} */ file) {
  return Date.now() - process.getBuiltinModule("node:fs").statSync(file).mtimeMs;
}
