# Sourced. Runs named stages, each bounded in time, and tells at the end how each went, and of those that failed
# the lines that say why.
# What runs the tests that are built into a scratch folder, one after the other: "SCRATCH/${test_program[@]}". Not
# `swift test`: it passes their output on in pieces, and leaves them running when it is ended.
test_program=(debug/martletPackageTests.xctest --testing-library swift-testing --no-parallel)

stage_report=()
stage_reasons=
stages_failed=0
stage_process=

# `timeout` puts what it runs into a process group of its own, which neither Ctrl-C nor the end of an
# enclosing stage reaches: they are passed on, so that nothing outlives the script.
end_stage() {
  [ -z "$stage_process" ] || { kill -TERM "$stage_process" && wait "$stage_process"; } 2>/dev/null
  exit 143
}
trap end_stage TERM INT

# What tests, compilers and our own scripts begin a failure with.
stage_failures() {
  grep -aE '^(✘|FAIL|ERROR|FAILED|\|? *(✘|FAIL|ERROR))|(error|Fatal error): |recorded an issue|ThreadSanitizer:|AddressSanitizer:' "$1" |
    cut -c1-400 | awk '!seen[$0]++' | head -60
}

# stage SECONDS NAME COMMAND...: runs the command; it and all it started end with the time.
stage() {
  local seconds=$1 name=$2 started=$SECONDS status=0 outcome=passed log reasons
  shift 2
  printf '\n=== %s\n' "$name"
  log=$(mktemp)
  timeout --kill-after=10 "$seconds" "$@" </dev/null > >(tee "$log") 2>&1 &
  stage_process=$!
  wait "$stage_process" || status=$?
  stage_process=
  case $status in
    0) ;;
    124 | 137) outcome="FAILED: not done after $seconds s" ;;
    *) outcome="FAILED: exit status $status" ;;
  esac
  if [ "$status" != 0 ]; then
    stages_failed=$((stages_failed + 1))
    sleep 0.2  # the copy may not have all of it yet
    reasons=$(stage_failures "$log") || true
    stage_reasons+=$(printf '\n--- %s: %s\n%s\n.' "$name" "$outcome" "${reasons:-$(tail -n 20 "$log")}")
    stage_reasons=${stage_reasons%.}
  fi
  rm -f "$log"
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
  [ "$stages_failed" = 0 ] || { printf '%s\n%d stages failed\n' "$stage_reasons" "$stages_failed"; return 1; }
}
