#!/bin/sh
# Make a virtual environment with the project and some of its extras in it.
# Usage: make-venv.sh PYTHON FOLDER EXTRAS
set -eu
python=$1 folder=$2 extras=$3

say() { printf '%s\n' "$*" >&2; }

if ! command -v "$python" >/dev/null 2>&1; then
    say "$python is not installed: on Debian, apt-get install python3 python3-venv"
    exit 2
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
    say "$python is older than 3.10: name another one, for example make PYTHON=python3.12"
    exit 2
fi
# Debian ships python3 without the parts that a virtual environment needs.
if ! "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "Installing Debian's package python3-venv ..."
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
    else
        say "This Python cannot make a virtual environment. Install Debian's package: sudo apt-get install python3-venv"
        exit 2
    fi
fi
if [ ! -x "$folder/bin/python" ]; then
    say "Making a virtual environment in $folder ..."
    "$python" -m venv "$folder"
fi
say "Installing invocation-profiler [$extras] into $folder ..."
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --editable ".[$extras]"
