# Sourced by scripts/simulate. Plants mistakes in a copy of the tree, one after the other, and looks whether the
# simulation finds them. `build` and `program`, the simulator of the tree as it is, are there.
#
# A mistake counts as found if the simulation says so for some seed (exit status 1, 2 or 3), and the tree as it is plays
# the same seed without a failure. Else a bug in the tree would find all mistakes.

# What one may take to be found: seeds, and seconds.
mutation_seeds=100000
mutation_seconds=120
mutation_tree=.build/simulate/mutated-tree

# find_mutations [--some N] [NAME]...: all that are not named or chosen, if none is.
find_mutations() {
  local names=() name passed=0 failed=0
  require_packages "$mutation_packages"
  for name in Simulation/Mutations/*.patch; do names+=("$(basename "$name" .patch)"); done
  if [ "${1-}" = --some ]; then
    choose_mutations "$2"
  elif [ $# -gt 0 ]; then
    names=("$@")
  fi
  mkdir -p "$mutation_tree"
  printf '%-24s %8s  %s\n' 'mistake' 'seeds' 'outcome'
  for name in "${names[@]}"; do
    if find_mutation "$name"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  done
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
  local name=$1 patch=Simulation/Mutations/$1.patch mutated output status=0 line seed
  # Only what differs is written, so that little is built anew.
  rsync -a --checksum --delete Package.swift Sources Simulation Tests Examples Conformance Soak "$mutation_tree"/
  if ! patch -s -p1 --fuzz=0 --no-backup-if-mismatch -d "$mutation_tree" <"$patch" || ! mutated=$(build "$mutation_tree" mutated); then
    report_mutation "$name" - 'FAILED: it cannot be built'
    return 1
  fi
  output=$(timeout --foreground --kill-after=5 "$mutation_seconds" "$mutated" --seeds "$mutation_seeds" 2>/dev/null) || status=$?
  line=$(grep -aE '^seed [0-9]+: ' <<<"$output" | tail -n 1)
  seed=$(sed -n 's/^seed \([0-9]*\): .*/\1/p' <<<"$line")
  case $status in
    1 | 2 | 3) ;;
    0 | 124 | 137) report_mutation "$name" - "FAILED: it was not found"; return 1 ;;
    *) report_mutation "$name" - "FAILED: exit status $status"; return 1 ;;
  esac
  if [ -z "$seed" ]; then
    report_mutation "$name" - "FAILED: no seed was named"
    return 1
  fi
  if ! "$program" --seed "$seed" >/dev/null 2>&1; then
    report_mutation "$name" "$seed" 'FAILED: without the mistake it fails too'
    return 1
  fi
  play_failures "$name" "$mutated" || return 1
  # They count from 1.
  report_mutation "$name" "$seed" "found: ${line#*: }"
}

# play_failures NAME PROGRAM: plans that once failed for want of what this mistake takes away must still do so. They name
# it in a line of their own.
play_failures() {
  local plan status
  for plan in Simulation/Failures/*.plan; do
    grep -qx "# mutation $1" "$plan" || continue
    status=0
    timeout --foreground --kill-after=5 "$mutation_seconds" "$2" --play "$plan" >/dev/null 2>&1 || status=$?
    case $status in
      1 | 2 | 3) ;;
      *) report_mutation "$1" - "FAILED: $plan ends with status $status"; return 1 ;;
    esac
  done
}

report_mutation() { printf '%-24s %8s  %s\n' "$1" "$2" "$(cut -c1-150 <<<"$3")"; }
