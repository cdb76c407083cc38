#!/usr/bin/env bash
# Installs Autobahn's testsuite, which is Python 2 code, for Python 3, from PyPI alone.
#   usage: Conformance/install.sh FOLDER      -> FOLDER/bin/wstest
# Does nothing if what is there came from the same files; about 25 s otherwise.
set -euo pipefail
destination=${1:?usage: install.sh FOLDER}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PYTHONNOUSERSITE=1
unset PYTHONPATH PYTHONHOME

# What decides the result: this folder's recipe, and the Python it is for.
origin=$(cd "$here" && cat install.sh port.py requirements.txt testsuite.txt && python3 -VV)
origin=$(printf '%s' "$origin" | sha256sum | cut -d ' ' -f 1)
[ "$(cat "$destination/origin" 2>/dev/null)" != "$origin" ] || exit 0

printf 'Installing the testsuite into %s\n' "$destination"
python3 -m venv --clear "$destination"
python=$destination/bin/python
"$python" -m pip install -q --no-deps --only-binary :all: -r "$here/requirements.txt"
"$python" -m pip install -q --no-deps --no-compile --no-build-isolation --require-hashes \
  -r "$here/testsuite.txt"

# Python 3.13 no longer brings lib2to3.
"$python" -W ignore -c 'import lib2to3.refactor' 2>/dev/null ||
  "$python" -m pip install -q --no-deps fissix==24.4.24 appdirs==1.4.4
packages=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
"$python" -W ignore "$here/port.py" "$packages"
"$python" -W ignore -m compileall -q -l "$packages/autobahntestsuite" \
  "$packages/autobahntestsuite/case"

"$destination/bin/wstest" -a >/dev/null
# Last: an interrupted installation is done again.
printf '%s\n' "$origin" >"$destination/origin"
