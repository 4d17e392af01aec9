#!/usr/bin/env bash
# Run the tests with the oldest packages that requirements.txt allows, and the newest.
#
#   tests/versions.sh                            both: the oldest on python3.10, the
#                                                newest on the newest Python in PATH
#   tests/versions.sh oldest python3.10          these packages on this Python
#   tests/versions.sh newest python3.11 python3.13 -- -k data_chain
#                                                what follows -- is for pytest
#
# By hand: each environment takes minutes to install and up to 6 GB. They lie in
# ~/.cache/pytorch-tutorial (XDG_CACHE_HOME), are brought up to date by the next run, and
# can be deleted. A line for each ends the output; the exit status is 0 if all passed.
set -euo pipefail
cd "$(dirname "$0")/.."
cache="${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/pytorch-tutorial"

# What it says of the packages that requirements.txt names, as they are installed.
versions='import importlib.metadata as metadata, re, sys
for line in open("requirements.txt", encoding="utf-8"):
    if name := re.match(r"[\w-]+", line):
        print(name[0], metadata.version(name[0]), end=" ")'

install() { # oldest|newest ENVIRONMENT
    local pip=("$2/bin/python" -m pip --disable-pip-version-check)
    if [ "$1" = oldest ]; then
        sed 's/>=/==/' requirements.txt >"$2/oldest.txt"
        "${pip[@]}" install --quiet --only-binary :all: -r "$2/oldest.txt"
    else
        "${pip[@]}" install --quiet --upgrade -r requirements.txt
    fi
    "${pip[@]}" check
}

try() { # oldest|newest PYTHON; adds a line to $lines
    local python env log status=failed said
    python=$("$2" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    env="$cache/$1-$python"
    log="$env.log"
    echo "== $1 packages on Python $python: $env"
    if [ ! -e "$env/bin/python" ]; then
        rm -rf "$env"
        "$2" -m venv "$env"
    fi
    if ! install "$1" "$env"; then
        lines+=("✗ $1, Python $python: the packages can't be installed")
        return
    fi
    if "$env/bin/python" -m pytest tests "${options[@]}" 2>&1 | tee "$log"; then
        status=passed
    fi
    said="$(grep -oE '[0-9]+ (passed|failed).* in .*s\b' "$log" | tail -n 1 || true)"
    [ "$status" = passed ] && mark=✓ || mark=✗
    lines+=("$mark $1, Python $python: ${said:-no tests ran}; $("$env/bin/python" -c "$versions")")
}

case "${1:-both}" in
-h | --help)
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"
    exit
    ;;
both | oldest | newest) which=${1:-both} ;;
*)
    echo "$1: give oldest, newest or both, then Pythons (--help)" >&2
    exit 2
    ;;
esac
shift $(($# > 0))
pythons=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    pythons+=("$1")
    shift
done
options=("${@:2}")
for python in "${pythons[@]}"; do
    if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
        echo "$python: no Python from 3.10 on: name another" >&2
        exit 2
    fi
done

newest() { # the newest Python that is in PATH
    local python
    for python in python3.{20..10} python3; do
        if command -v "$python" && "$python" -c ''; then return; fi
    done 2>/dev/null
}

lines=()
for packages in oldest newest; do
    [ "$which" = both ] || [ "$which" = "$packages" ] || continue
    if [ ${#pythons[@]} -gt 0 ]; then
        some=("${pythons[@]}")
    elif [ "$packages" = oldest ]; then
        some=(python3.10)
    else
        some=("$(newest)")
    fi
    for python in "${some[@]}"; do try "$packages" "$python"; done
done
printf '%s\n' "${lines[@]}"
[[ "${lines[*]}" != *✗* ]]
