#!/usr/bin/env bash
# A scheduler in a hundred lines of bash: starts the runtime, asks it for a permit, runs one job under it, and prints what
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

coproc RUNTIME { exec "${agentcore[@]}" runtime --stdio; }
runtime_pid=$RUNTIME_PID
# Copies, because bash closes its own when the process has ended, and its last lines may still wait to be read.
exec {from_runtime}<&"${RUNTIME[0]}" {to_runtime}>&"${RUNTIME[1]}"

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

# string_field NAME LINE, number_field NAME LINE: the first field of that name, or nothing.
string_field() { [[ $2 =~ \"$1\"$string_pattern ]] && printf '%b' "${BASH_REMATCH[1]//\\\"/\"}"; }
number_field() { [[ $2 =~ \"$1\"$number_pattern ]] && printf '%s' "${BASH_REMATCH[1]}"; }

# --- Messages -------------------------------------------------------------------------------------------------------------

say() { printf '%s\n' "$1" >&"$to_runtime"; }
notify() { say "{\"jsonrpc\":\"2.0\",\"method\":\"$1\",\"params\":$2}"; }

last_id=0
# request METHOD PARAMS: sends it, and leaves the number of its answer in last_id.
request() {
  last_id=$((last_id + 1))
  say "{\"jsonrpc\":\"2.0\",\"id\":$last_id,\"method\":\"$1\",\"params\":$2}"
}

# await_answer: leaves the answer to the last request in answer. What comes before it is shown and acknowledged.
await_answer() {
  local line awaited=$last_id
  while IFS= read -r -t "$silence_s_max" line <&"$from_runtime"; do
    case $line in
      *'"method":"event"'*) on_event "$line" ;;
      *'"method":"started"'*) echo "started: process $(number_field hostPid "$line")" ;;
      *'"method":"escalation"'*) echo "escalation: $(string_field message "$line")" >&2 ;;
      *'"method":"heartbeat"'*) ;;
      *'"error":'*) die "refused: $(string_field message "$line")" ;;
      *"\"id\":$awaited,"* | *"\"id\":$awaited}"*) answer=$line && return ;;
    esac
  done
  die "the runtime has ended, or is silent for $silence_s_max seconds"
}

on_event() {
  local type
  type=$(string_field type "$1")
  case $type in
    stdout | stderr | text) echo "$type: $(string_field text "$1")" ;;
    *) echo "$type" ;;
  esac
  # Without this the runtime sends no more than its window: a reader that is slow is not flooded.
  notify event/ack "{\"permitId\":\"$permit\",\"seq\":$(number_field seq "$1")}"
}

die() {
  echo "drive.sh: $1" >&2
  exit 1
}

# --- One job --------------------------------------------------------------------------------------------------------------

request initialize '{"protocolVersions":[1],"client":{"name":"drive.sh","version":"1"}}'
await_answer
echo "connected: protocol $(number_field protocolVersion "$answer")"

task="{\"worker\":\"shell\",\"workspace\":$(json_string "$workspace"),\"instructions\":$(json_string "$script"),\"capabilities\":[\"edit\"]}"
wish="{\"jobId\":\"drive-$$-$RANDOM\",\"attempt\":1,\"maxAttempts\":1,\"worker\":\"shell\",\"workspace\":$(json_string "$workspace"),\"capabilities\":[\"edit\"],\"timeoutMs\":60000}"
while true; do
  request permit/request "$wish"
  await_answer
  case $(string_field kind "$answer") in
    granted) break ;;
    rejected) echo "rejected: $(string_field message "$answer")" && exit 3 ;;
  esac
  wait_ms=$(number_field retryAfterMs "$answer")
  echo "deferred: $(string_field message "$answer")"
  sleep "$((wait_ms / 1000)).$(printf '%03d' $((wait_ms % 1000)))"
done
permit=$(string_field id "$answer")
echo "granted: permit $permit"

request execute "{\"permitId\":\"$permit\",\"task\":$task}"
trap 'request cancel "{\"permitId\":\"$permit\",\"message\":\"Ctrl-C\"}"' INT
await_answer
trap - INT
outcome=$(string_field outcome "$answer")
echo "result: $outcome, $(number_field survivors "$answer") processes left behind"

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
