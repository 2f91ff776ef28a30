#!/usr/bin/env bash
# A scheduler in bash: starts the runtime, asks it for a permit, runs one job under it, and prints what
# happens. It needs nothing but bash and agentcore; docs/wire.md describes the messages.
#
#   drive.sh WORKSPACE SCRIPT        runs SCRIPT in WORKSPACE with the shell worker; exits as `agentcore run` would
#
# AGENTCORE is the command to start, "agentcore" by default. Ctrl-C cancels the run.
set -euo pipefail

workspace=$(realpath -- "$1")
script=$2
read -ra agentcore <<< "${AGENTCORE:-agentcore}"
# A heartbeat comes every second: a runtime that is silent for so many seconds is dead.
silence_s_max=15

# Bash closes its ends of the pipes when the process has ended, and its last lines may still wait to be read. So the process
# waits for a line until this script has copies.
coproc RUNTIME { read -r && exec "${agentcore[@]}" runtime --stdio; }
runtime_pid=$RUNTIME_PID
exec {from_runtime}<&"${RUNTIME[0]}" {to_runtime}>&"${RUNTIME[1]}"
echo go >&"$to_runtime"

# --- JSON: enough of it for this ------------------------------------------------------------------------------------------

# json_string TEXT: the text as a JSON string.
json_string() {
  local text=$1 code
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  for code in {1..31}; do
    local character
    printf -v character '%b' "\\$(printf '%03o' "$code")"
    text=${text//"$character"/$(printf '\\u%04x' "$code")}
  done
  printf '"%s"' "$text"
}

# Quotes inside of a JSON string are escaped, so these patterns match no text that only looks like a field.
string_pattern=':"(([^"\\]|\\.)*)"'
number_pattern=':([0-9]+)'

# string_field NAME LINE, number_field NAME LINE: leaves the first field of that name in field, or nothing. No command
# substitution: bash 5.2 fails to parse a trap that runs in the middle of one, and Ctrl-C may come at any time.
string_field() {
  field=
  if [[ $2 =~ \"$1\"$string_pattern ]]; then printf -v field '%b' "${BASH_REMATCH[1]//\\\"/\"}"; fi
}
number_field() {
  field=
  if [[ $2 =~ \"$1\"$number_pattern ]]; then field=${BASH_REMATCH[1]}; fi
}

# --- Messages -------------------------------------------------------------------------------------------------------------

# A runtime that has ended reads no more: a write must fail instead of ending this script without a word.
trap '' PIPE
say() { printf '%s\n' "$1" 2> /dev/null >&"$to_runtime" || die "the runtime has ended"; }
notify() { say "{\"jsonrpc\":\"2.0\",\"method\":\"$1\",\"params\":$2}"; }

last_id=0
# request METHOD PARAMS: sends it, and leaves the number of its answer in last_id.
request() {
  last_id=$((last_id + 1))
  say "{\"jsonrpc\":\"2.0\",\"id\":$last_id,\"method\":\"$1\",\"params\":$2}"
}

interrupted=
# await_answer: leaves the answer to the last request in answer. What comes before it is shown and acknowledged. Ctrl-C
# interrupts a read in the middle of a line, so the part that it had is kept; a heartbeat ends every other read in time.
await_answer() {
  local part line='' awaited=$last_id status
  while true; do
    status=0
    IFS= read -r -t "$silence_s_max" part <&"$from_runtime" || status=$?
    line+=$part
    if [[ $interrupted ]]; then
      interrupted=
      request cancel "{\"permitId\":\"$permit\",\"reason\":\"Ctrl-C\"}"
    elif ((status != 0)); then
      die "the runtime has ended, or is silent for $silence_s_max seconds"
    fi
    if ((status == 0)); then
      if is_answer "$line" "$awaited"; then answer=$line && return; fi
      line=
    fi
  done
}

# is_answer LINE ID: whether it answers that request. Every other message is dealt with.
is_answer() {
  case $1 in
    *'"method":"event"'*) on_event "$1" ;;
    *'"method":"started"'*) number_field hostPid "$1" && echo "started: process $field" ;;
    *'"method":"escalation"'*) string_field message "$1" && echo "escalation: $field" >&2 ;;
    *'"method":"heartbeat"'*) ;;
    *'"error":'*) string_field message "$1" && die "refused: $field" ;;
    *"\"id\":$2,"* | *"\"id\":$2}"*) return 0 ;;
  esac
  return 1
}

on_event() {
  local type
  string_field type "$1" && type=$field
  case $type in
    stdout | stderr | text) string_field text "$1" && echo "$type: $field" ;;
    *) echo "$type" ;;
  esac
  # Without this the runtime sends no more than its window: a reader that is slow is not flooded.
  number_field seq "$1" && notify event/ack "{\"permitId\":\"$permit\",\"seq\":$field}"
}

die() {
  echo "drive.sh: $1" >&2
  exit 1
}

# --- One job --------------------------------------------------------------------------------------------------------------

request initialize '{"protocolVersions":[2],"client":{"name":"drive.sh","version":"1"}}'
await_answer
number_field protocolVersion "$answer"
echo "connected: protocol $field"

task="{\"worker\":\"shell\",\"workspace\":$(json_string "$workspace"),\"instructions\":$(json_string "$script"),\"capabilities\":[\"edit\"]}"
wish="{\"jobId\":\"drive-$$-$RANDOM\",\"attempt\":1,\"maxAttempts\":1,\"worker\":\"shell\",\"workspace\":$(json_string "$workspace"),\"capabilities\":[\"edit\"],\"timeoutMs\":60000}"
while true; do
  request permit/request "$wish"
  await_answer
  string_field kind "$answer"
  kind=$field
  string_field message "$answer"
  case $kind in
    granted) break ;;
    rejected) echo "rejected: $field" && exit 3 ;;
  esac
  echo "deferred: $field"
  number_field retryAfterMs "$answer"
  wait_ms=$field
  sleep "$((wait_ms / 1000)).$(printf '%03d' $((wait_ms % 1000)))"
done
string_field id "$answer"
permit=$field
echo "granted: permit $permit"

request execute "{\"permitId\":\"$permit\",\"task\":$task}"
trap interrupted=yes INT
await_answer
trap - INT
string_field outcome "$answer"
outcome=$field
number_field survivors "$answer"
echo "result: $outcome, $field processes left behind"

# Nothing runs any more, so both answer at once; a scheduler of many jobs would drain before it is replaced.
request drain '{}'
await_answer
request shutdown '{}'
await_answer
wait "$runtime_pid"
echo "drained and shut down"

case $outcome in
  succeeded) ;;
  timed_out | stalled) exit 4 ;;
  budget_exhausted) exit 5 ;;
  cancelled) exit 130 ;;
  *) exit 1 ;;
esac
