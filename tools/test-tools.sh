#!/bin/sh
# Bring what the tests need and pip does not have: Chromium, and speedscope's own release.
# Usage: test-tools.sh VENV
set -eu
venv=$1

install() { # install PACKAGE...: whether that is possible
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then return 1; fi
    printf 'Installing Debian packages: %s ...\n' "$*" >&2
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

need() { # need COMMAND PACKAGE...
    command=$1
    shift
    if command -v "$command" >/dev/null 2>&1 || install "$@"; then return; fi
    printf 'The tests need %s: sudo apt-get install %s\n' "$command" "$*" >&2
    exit 2
}

want() { # want COMMAND PACKAGE...: what judges an export; its test is skipped without
    command=$1
    shift
    if command -v "$command" >/dev/null 2>&1 || install "$@"; then return; fi
    printf 'Without %s a test is skipped: sudo apt-get install %s\n' "$command" "$*" >&2
}

need chromium chromium chromium-driver
need chromedriver chromium-driver
need npm npm
want go golang-go                # go tool pprof
want callgrind_annotate valgrind

if [ ! -f "$venv/speedscope/node_modules/speedscope/dist/release/index.html" ]; then
    printf 'Fetching speedscope, which a test loads a capture into ...\n' >&2
    mkdir -p "$venv/speedscope"
    (cd "$venv/speedscope" && npm install --silent --no-save --no-package-lock --ignore-scripts --prefix . speedscope@1 >&2)
fi
