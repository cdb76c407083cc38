# Sourced by scripts/simulate. Plants mistakes in a copy of the tree, one after the other, and looks whether the command
# that must find each of them does. `build` is there.
#
# scripts/lib/mistakes.py says how a mistake is written down. One that begins with the line `found by: test FILTER` must be
# found by the tests that `swift test --filter FILTER` runs. One that begins with the line `found by: plans` must be found
# by the plans in Simulation/Failures that name it: new seeds would take too long. Every other one must be found by the
# simulation.
#
# The simulation has found a mistake if it says so for some seed (exit status 1, 2 or 3), and the tree as it is plays the
# same seed without a failure. The tests have found it if they fail, crash or hang, and if those of the tree as it is pass.
# Else a bug in the tree would find all mistakes.

. scripts/lib/stage.sh

# What one may take to be found: seeds, and seconds.
mutation_seeds=100000
mutation_seconds=120
mutation_tree=.build/simulate/mutated-tree
# The simulator of the tree as it is, once it is needed.
program=
test_flags=(--product martletPackageTests)

# find_mutations [--some N] [NAME]...: all that are not named or chosen, if none is.
find_mutations() {
  local names=() name passed=0 failed=0
  # By filter: whether the tests of the tree as it is pass.
  declare -A plain_outcomes=()
  require_packages "$mutation_packages"
  for name in Simulation/Mistakes/*.mistake; do names+=("$(basename "$name" .mistake)"); done
  if [ "${1-}" = --some ]; then
    choose_mutations "$2"
  elif [ $# -gt 0 ]; then
    names=("$@")
  fi
  mkdir -p "$mutation_tree"
  mutation_log=$(mktemp)
  printf '%-24s %-10s %8s  %s\n' 'mistake' 'command' 'seeds' 'outcome'
  for name in "${names[@]}"; do
    if find_mutation "$name"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  done
  rm -f "$mutation_log"
  printf '%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" = 0 ]
}

# Others each day, so that all have their turn.
choose_mutations() {
  local all=("${names[@]}") count=$1 start
  start=$(($(date +%s) / 86400 * count))
  names=()
  while [ ${#names[@]} -lt "$count" ]; do names+=("${all[(start + ${#names[@]}) % ${#all[@]}]}"); done
}

# find_mutation NAME
find_mutation() {
  local name=$1 filter='' command
  command=$(scripts/lib/mistakes.py found-by "$name") || return 1
  case $command in 'test '*) filter=${command#test } command=test ;; esac
  # Only what differs is written, so that little is built anew.
  rsync -a --checksum --delete Package.swift Sources Simulation Tests Examples Conformance Soak "$mutation_tree"/
  if ! scripts/lib/mistakes.py plant "$name" "$mutation_tree"; then
    report_mutation - 'FAILED: it does not fit the code'
    return 1
  fi
  case $command in
    test) find_by_test ;;
    plans) find_by_plans ;;
    simulation) find_by_simulation ;;
    *) report_mutation - "FAILED: what is to find it by $command?"; return 1 ;;
  esac
}

# MARK: By the simulation

find_by_simulation() {
  local mutated output status=0 line seed
  [ -n "$program" ] || program=$(build . plain)
  if ! mutated=$(build "$mutation_tree" mutated); then
    report_mutation - 'FAILED: it cannot be built'
    return 1
  fi
  output=$(timeout --foreground --kill-after=5 "$mutation_seconds" "$mutated" --seeds "$mutation_seeds" 2>/dev/null) || status=$?
  line=$(grep -aE '^seed [0-9]+: ' <<<"$output" | tail -n 1)
  seed=$(sed -n 's/^seed \([0-9]*\): .*/\1/p' <<<"$line")
  case $status in
    1 | 2 | 3) ;;
    0 | 124 | 137) report_mutation - "FAILED: it was not found"; return 1 ;;
    *) report_mutation - "FAILED: exit status $status"; return 1 ;;
  esac
  if [ -z "$seed" ]; then
    report_mutation - "FAILED: no seed was named"
    return 1
  fi
  if ! "$program" --seed "$seed" >/dev/null 2>&1; then
    report_mutation "$seed" 'FAILED: without the mistake it fails too'
    return 1
  fi
  play_failures "$mutated" || return 1
  # They count from 1.
  report_mutation "$seed" "found: ${line#*: }"
}

# That the tree as it is plays the plans without a failure is looked at by each simulation.
find_by_plans() {
  local mutated
  if ! grep -qx "# mutation $name" Simulation/Failures/*.plan; then
    report_mutation - 'FAILED: no plan names it'
    return 1
  fi
  if ! mutated=$(build "$mutation_tree" mutated); then
    report_mutation - 'FAILED: it cannot be built'
    return 1
  fi
  play_failures "$mutated" || return 1
  report_mutation - 'found: all plans that name it fail'
}

# play_failures PROGRAM: plans that once failed for want of what this mistake takes away must still do so. They name it in
# a line of their own.
play_failures() {
  local plan status
  for plan in Simulation/Failures/*.plan; do
    grep -qx "# mutation $name" "$plan" || continue
    status=0
    timeout --foreground --kill-after=5 "$mutation_seconds" "$1" --play "$plan" >/dev/null 2>&1 || status=$?
    case $status in
      1 | 2 | 3) ;;
      *) report_mutation - "FAILED: $plan ends with status $status"; return 1 ;;
    esac
  done
}

# MARK: By tests

find_by_test() {
  local status=0 reason
  if ! passes_plainly; then
    report_mutation - "FAILED: $filter without the mistake: ${plain_outcomes[$filter]}"
    return 1
  fi
  local scratch=.build/simulate/mutated-tests
  if ! build_tests --package-path "$mutation_tree" --scratch-path "$scratch"; then
    report_mutation - 'FAILED: it cannot be built'
    return 1
  fi
  run_tests "$scratch" || status=$?
  if [ "$status" = 0 ]; then
    report_mutation - "FAILED: $filter did not find it"
    return 1
  fi
  # Else the tests have not been run at all.
  if [ "$(grep -aE '^[^ ]+ Test .* started\.$' "$mutation_log" | grep -cv ' Test run started')" = 0 ]; then
    report_mutation - "FAILED: no test was started: $(tail -n 1 "$mutation_log")"
    return 1
  fi
  reason=$(grep -aE 'recorded an issue|Fatal error: |unexpected signal' "$mutation_log" | head -n 1) || true
  case $status in 124 | 137) reason="not done after $mutation_seconds s" ;; esac
  report_mutation - "found: ${reason:-exit status $status}"
}

# passes_plainly: whether the tests of the tree as it is pass, and there are some. They are run once for each filter.
passes_plainly() {
  local status=0 outcome
  if [ -z "${plain_outcomes[$filter]-}" ]; then
    if ! build_tests; then
      outcome='they cannot be built'
    else
      run_tests .build || status=$?
      # A filter that names nothing passes, too.
      if [ "$status" != 0 ]; then
        outcome="exit status $status"
      elif ! grep -qaE 'Test run with [1-9][0-9]* tests? .*passed' "$mutation_log"; then
        outcome='it names no test'
      else
        outcome=passed
      fi
    fi
    plain_outcomes[$filter]=$outcome
  fi
  [ "${plain_outcomes[$filter]}" = passed ]
}

# build_tests FLAG...
build_tests() {
  in_time 900 swift build "$@" "${test_flags[@]}" || { grep -aE 'error' "$mutation_log" >&2; return 1; }
}

# run_tests SCRATCH: as scripts/test does.
run_tests() {
  NO_COLOR=1 in_time "$mutation_seconds" "$1/${test_program[@]}" --filter "$filter"
}

# in_time SECONDS COMMAND...: what it has started ends with it, also if this script is ended. See stage.sh.
in_time() {
  local seconds=$1 status=0
  shift
  timeout --kill-after=5 "$seconds" "$@" </dev/null >"$mutation_log" 2>&1 &
  stage_process=$!
  wait "$stage_process" || status=$?
  stage_process=
  return "$status"
}

# report_mutation SEEDS OUTCOME
report_mutation() { printf '%-24s %-10s %8s  %s\n' "$name" "$command" "$1" "$(cut -c1-150 <<<"$2")"; }
