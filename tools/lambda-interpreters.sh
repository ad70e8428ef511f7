#!/bin/sh
# Put `awslambdaric` beside the other interpreters of this machine that Lambda offers, so that the tests of
# the function side run in the emulator on each. Usage: lambda-interpreters.sh
set -eu

for version in 3.12 3.13 3.14; do
    folder=.venv-lambda-$version
    [ -x "$folder/bin/python" ] && "$folder/bin/python" -c 'import awslambdaric' 2>/dev/null && continue
    for python in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/$version.*/bin/python "/usr/bin/python$version"; do
        if [ -x "$python" ] && "$python" -c 'import venv, ensurepip' 2>/dev/null; then
            printf 'Preparing Python %s for the emulator ...\n' "$version" >&2
            "$python" -m venv "$folder"
            "$folder/bin/python" -m pip install --quiet --disable-pip-version-check 'awslambdaric>=4,<5'
            break
        fi
    done
done
