#!/bin/sh
# Bring what the tests need and pip does not have: Chromium, and speedscope's own release.
# Usage: test-tools.sh VENV
set -eu
venv=$1

need() { # need COMMAND PACKAGE...
    command=$1
    shift
    if command -v "$command" >/dev/null 2>&1; then return; fi
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        printf 'Installing Debian packages: %s ...\n' "$*" >&2
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    else
        printf 'The tests need %s: sudo apt-get install %s\n' "$command" "$*" >&2
        exit 2
    fi
}

need chromium chromium chromium-driver
need chromedriver chromium-driver
need npm npm

if [ ! -f "$venv/speedscope/node_modules/speedscope/dist/release/index.html" ]; then
    printf 'Fetching speedscope, which a test loads a capture into ...\n' >&2
    mkdir -p "$venv/speedscope"
    (cd "$venv/speedscope" && npm install --silent --no-save --no-package-lock --ignore-scripts --prefix . speedscope@1 >&2)
fi
