# Sourced. What the machine must have, and how to get what it lacks.
#
# The one list of system packages: a Debian package, then the command that succeeds when it is there.
# The check comes first and the package manager second, so that a liburing built from source, another
# Python or another distribution is as good as Debian's.
build_packages='
liburing-dev  has_header liburing.h
'
test_packages='
python3       command -v python3
python3-venv  python3 -c "import ensurepip, venv"
curl          command -v curl
'
# For the models: spin writes a program in C.
model_packages='
spin          command -v spin
gcc           command -v "${CC:-cc}"
libc6-dev     has_header stdlib.h
'
mutation_packages='
rsync         command -v rsync
python3       command -v python3
'
# The oldest Swift whose compiler understands the package.
swift_minimum=6.2

has_header() {
  local directory search_path=${CPATH-}
  for directory in ${search_path//:/ } /usr/include /usr/local/include "/usr/include/$(uname -m)-linux-gnu"; do
    [ -e "$directory/$1" ] && return 0
  done
  return 1
}

# fail MESSAGE: says why nothing can go on, and ends the script.
fail() {
  printf '%s: %s\n' "$(basename "$0")" "$1" >&2
  exit 1
}

require_swift() {
  local version
  command -v swift >/dev/null || fail "there is no Swift toolchain on the PATH.
Martlet needs Swift $swift_minimum or newer: https://www.swift.org/install/linux/"
  version=$(swift --version 2>&1 | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' | head -n 1)
  [ -n "$version" ] || fail "'swift --version' does not work: $(swift --version 2>&1 | head -n 3)"
  [ "$(printf '%s\n' "$swift_minimum" "$version" | sort -V | head -n 1)" = "$swift_minimum" ] ||
    fail "Swift $version is too old; Martlet needs $swift_minimum or newer: https://www.swift.org/install/linux/"
}

# missing_packages LIST: the packages of the list whose check fails, one per line.
missing_packages() {
  local package check
  while read -r package check; do
    [ -z "$package" ] || eval "$check" </dev/null >/dev/null 2>&1 || printf '%s\n' "$package"
  done <<<"$1"
}

# require_packages LIST: installs what is missing, having said what.
require_packages() {
  local missing as_root=''
  missing=$(missing_packages "$1" | paste -s -d ' ')
  [ -n "$missing" ] || return 0

  command -v apt-get >/dev/null || fail "missing, by Debian's names: $missing.
This is no Debian or Ubuntu: please install them with this system's package manager."
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "missing: $missing. As root: apt-get install $missing"
    as_root=sudo
  fi
  printf 'Installing with apt-get: %s\n' "$missing"
  # Package lists may be absent (fresh container) or stale: refreshed only if they do not serve.
  apt_install "$as_root" "$missing" ||
    { $as_root apt-get update -qq && apt_install "$as_root" "$missing"; } ||
    fail "apt-get could not install: $missing"
  missing=$(missing_packages "$1" | paste -s -d ' ')
  [ -z "$missing" ] || fail "installed, yet still not found: $missing"
}

# apt_install SUDO PACKAGES: without questions, and waiting for another apt-get instead of failing.
apt_install() {
  # shellcheck disable=SC2086 # both are lists of words
  $1 env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o DPkg::Lock::Timeout=120 $2
}

# Sanitizers, proxies and the like stay as the caller set them; a question never waits for an answer.
require_build_tools() { require_swift && require_packages "$build_packages"; }
require_test_tools() { require_build_tools && require_packages "$test_packages"; }
