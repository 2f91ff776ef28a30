/**
 * The git scripts that run before and after a run. Both use a private git directory (`$AC_GIT`) for the work tree of the
 * workspace (`$GIT_WORK_TREE`): index, objects, configuration, exclusions and attributes are in that directory. The
 * repository is read once, before the run; afterwards only its objects are used.
 */

export const patchFailedCode = 3;

/** Settings of the repository and its user that decide which bytes a file has for git, and that name no program. */
const settings = "^(core\\.(autocrlf|eol|ignorecase|precomposeunicode)|extensions\\.objectformat)$";

/** Configuration lines that git writes in everyday work, for example by `push -u` or `remote add`. */
const everyday = "^(branch\\..*|remote\\..*\\.(url|fetch)|submodule\\..*\\.(url|active))=";

/**
 * Prints a digest of everything in a repository that affects later git commands and is not in a commit. `$1`: the common
 * git directory, `$2`: the git directory of this work tree.
 */
const digestOfRepository = `
repository_digest() {
  {
    for file in "$1/config" "$2/config.worktree"; do
      if [ -f "$file" ]; then echo "$file"; git config --file "$file" --no-includes --list 2>&1 | grep -vE '${everyday}'; fi
    done
    for file in "$1/info/exclude" "$1/info/attributes"; do
      if [ -f "$file" ]; then echo "$file"; cat "$file"; fi
    done
    # Git runs no hook that may not be executed; a link may lead anywhere.
    if [ -d "$1/hooks" ]; then find "$1/hooks" -type l -exec ls -ld {} + -o -type f -perm -100 -print -exec cat {} +; fi
  } | git hash-object --stdin
}
`;

/**
 * Adds everything below the workspace to the private index and sets `seen`: `part` if git cannot read some of it, such as a
 * nested repository without a commit, or a directory that git may not list. Fails if the repository ignores the workspace.
 * The remaining arguments are paths that are not added; git refuses such an exclusion for an ignored path. Files outside of
 * a sparse checkout are added if they exist; an older git does not know the option and adds them anyway. Nested
 * repositories are added as if they were new, because for a known one git would ask for its status and run its configured
 * filters.
 */
const addEverything = `
nested() { git ls-files -s -z | grep -z '^160000 ' | sed -z 's/^[^\t]*\t//' || :; }
nested | git update-index -z --force-remove --stdin
seen=whole
case $(git add -h 2>&1 || :) in *--sparse*) sparse=--sparse ;; *) sparse= ;; esac
for path; do
  shift
  git check-ignore -q -- "./$path" || set -- "$@" ":(exclude,literal)$path"
done
added=0
git add -A --ignore-errors $sparse -- . "$@" 2> "$AC_GIT/complaints" || added=$?
cat "$AC_GIT/complaints" >&2
if [ "$added" -ne 0 ]; then
  [ "$added" -eq 1 ] || exit "$added"
  if git check-ignore -q .; then echo "the repository ignores the workspace" >&2; exit 1; fi
  seen=part
fi
# Of a directory that it cannot list, or whose path is too long, git only warns.
if grep -q '^warning: could not open directory' "$AC_GIT/complaints"; then seen=part; fi
`;

const usePrivate = `
export GIT_DIR="$AC_GIT" GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_ATTR_NOSYSTEM=1
`;

/**
 * `$1`: largest file in 512-byte blocks; then the excluded paths. Runs with the \`GIT_DIR\` of the repository. Prints, each
 * with a NUL: what was seen, the tree's id, the digest of the repository, its common git directory, its git directory, and
 * the directories that are nested repositories, of which git sees only the commit.
 */
export const beforeScript = `
set -eu
ulimit -f "$1"; shift
${digestOfRepository}
{ IFS= read -r common; IFS= read -r own; IFS= read -r objects; IFS= read -r index; IFS= read -r info; } <<PATHS
$(git rev-parse --path-format=absolute --git-common-dir --git-dir --git-path objects --git-path index --git-path info)
PATHS
user_file() { git config --type=path --get "core.$1File" || echo "\${XDG_CONFIG_HOME:-$HOME/.config}/git/$2"; }
copy_file() { if [ -f "$1" ]; then cat "$1"; echo; fi; }
{ copy_file "$(user_file excludes ignore)"; copy_file "$info/exclude"; } > "$AC_GIT/info/exclude"
copy_file "$(user_file attributes attributes)" > "$AC_GIT/attributes"
copy_file "$info/attributes" > "$AC_GIT/info/attributes"
echo "$objects" > "$AC_GIT/objects/info/alternates"
{ git config --get-regexp '${settings}' || :; } | while read -r key value; do
  git config --file "$AC_GIT/config" "$key" "$value"
done
digest=$(repository_digest "$common" "$own")
if [ -f "$index" ]; then
  cp -p "$index" "$AC_GIT/index"
  for shared in "$own"/sharedindex.*; do if [ -f "$shared" ]; then cp -p "$shared" "$AC_GIT"; fi; done
fi
${usePrivate}
git ls-files -v -z | grep -z '^[a-z]' | sed -z 's/^..//' | git update-index -z --no-assume-unchanged --stdin
${addEverything}
printf '%s\\0' "$seen" "$(git write-tree --missing-ok)" "$digest" "$common" "$own"
nested
`;

/**
 * `$1`: largest file in 512-byte blocks; `$2`: the tree before; `$3`: the patch; `$4`, `$5`: the directories whose digest
 * is printed; then the excluded paths. Prints what was seen, the digest, and the names of changed files, each with a NUL.
 */
export const afterScript = `
set -eu
ulimit -f "$1"
before=$2; patch=$3; common=$4; own=$5; shift 5
rm -f "$patch"
${digestOfRepository}
${usePrivate}
${addEverything}
printf '%s\\0' "$seen" "$(repository_digest "$common" "$own")"
after=$(git write-tree --missing-ok)
if [ "$after" = "$before" ]; then exit 0; fi
git diff-tree -r -z --name-only --no-renames --relative "$before" "$after"
git diff-tree -r -p --binary --full-index --no-renames --no-color --no-ext-diff --no-textconv --relative \\
  --src-prefix=a/ --dst-prefix=b/ "$before" "$after" > "$patch" || exit ${patchFailedCode}
`;
