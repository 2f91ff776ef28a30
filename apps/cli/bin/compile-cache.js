// Where Node may keep the compiled form of this program. Node runs what it finds there without asking who wrote it, and
// its own default is a name in the shared temporary directory that anybody can make first. So it is a directory of the
// user's own, which nobody else can write to or replace, or none: then starting takes longer and nothing else changes.
// Like the program's first file, this one must parse on old versions of Node.

/**
 * The directory, made where it is not there yet; null where no place is the user's own. Its parents are made only up to
 * the cache directory itself, never a home directory.
 * @param {Readonly<Record<string, string | undefined>>} env
 * @returns {string | null}
 */
export function compileCacheDirectory(env) {
  const { realpathSync, statSync } = process.getBuiltinModule("node:fs");
  const path = process.getBuiltinModule("node:path");
  const { XDG_CACHE_HOME: cacheHome = "", HOME: home = "" } = env;
  if (process.geteuid === undefined) return null;
  // A umask that takes from the owner would leave a directory that nobody can use.
  const umask = process.umask(0o077);
  try {
    // In another user's home, as after `sudo`, nothing is made that its owner could not write to.
    if (statSync(cacheHome.startsWith("/") ? cacheHome : home).uid !== process.geteuid()) return null;
    const base = cacheHome.startsWith("/") ? cacheHome : home.startsWith("/") ? makeIn(home, ".cache") : null;
    if (base === null) return null;
    const parent = makeIn(base, "agentcore");
    makeIn(parent, "compile-cache");
    // Checked and used without symbolic links: what a link points to may change, the path that was checked may not.
    const directory = path.join(realpathSync(parent), "compile-cache");
    return isOwn(directory, process.geteuid()) ? directory : null;
  } catch (error) {
    // A home that is read-only or not there, a file in the way: no cache then.
    if (error.code === undefined) throw error;
    return null;
  } finally {
    process.umask(umask);
  }
}

function makeIn(/** @type {string} */ parent, /** @type {string} */ name) {
  const path = process.getBuiltinModule("node:path").join(parent, name);
  try {
    process.getBuiltinModule("node:fs").mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  return path;
}

/** Whether nobody but the user and root can write to the directory, or put another in its place. */
function isOwn(/** @type {string} */ directory, /** @type {number} */ uid) {
  const { lstatSync } = process.getBuiltinModule("node:fs");
  const path = process.getBuiltinModule("node:path");
  const own = lstatSync(directory);
  if (!own.isDirectory() || own.uid !== uid || (own.mode & 0o077) !== 0) return false;
  for (let at = path.dirname(directory); ; at = path.dirname(at)) {
    const parent = lstatSync(at);
    if (parent.uid !== uid && parent.uid !== 0) return false;
    // In a sticky directory others may make names, and not replace those of the user.
    if ((parent.mode & 0o022) !== 0 && (parent.mode & 0o1000) === 0) return false;
    if (at === path.dirname(at)) return true;
  }
}
