# Sourced. Runs named stages, each bounded in time, and tells at the end how each went.
stage_report=()
stages_failed=0
stage_process=

# `timeout` puts what it runs into a process group of its own, which neither Ctrl-C nor the end of an
# enclosing stage reaches: they are passed on, so that nothing outlives the script.
end_stage() {
  [ -z "$stage_process" ] || { kill -TERM "$stage_process" && wait "$stage_process"; } 2>/dev/null
  exit 143
}
trap end_stage TERM INT

# stage SECONDS NAME COMMAND...: runs the command; it and all it started end with the time.
stage() {
  local seconds=$1 name=$2 started=$SECONDS status=0 outcome=passed
  shift 2
  printf '\n=== %s\n' "$name"
  timeout --kill-after=10 "$seconds" "$@" </dev/null &
  stage_process=$!
  wait "$stage_process" || status=$?
  stage_process=
  case $status in
    0) ;;
    124 | 137) outcome="FAILED: not done after $seconds s" ;;
    *) outcome="FAILED: exit status $status" ;;
  esac
  [ "$status" = 0 ] || stages_failed=$((stages_failed + 1))
  stage_report+=("$(printf '%-20s %5d s  %s' "$name" $((SECONDS - started)) "$outcome")")
  printf '=== %s: %s\n' "$name" "$outcome"
  return "$status"
}

# skip NAME REASON: what was not run is told, too.
skip() {
  stage_report+=("$(printf '%-20s %5s    skipped: %s' "$1" - "$2")")
}

# Prints the outcome of every stage; the status is that of the whole.
finish_stages() {
  printf '\n'
  printf '%s\n' "${stage_report[@]}"
  [ "$stages_failed" = 0 ] || { printf '\n%d stages failed\n' "$stages_failed"; return 1; }
}
