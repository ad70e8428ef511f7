#!/bin/sh
# Run the tests of the function side on every other supported interpreter of this machine, with nothing
# installed beside it but pytest and hypothesis: the runtime dependencies must be enough.
set -eu

found() {
    for version in 3.10 3.11 3.12 3.13 3.14; do
        for candidate in $(ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/$version.*/bin/python 2>/dev/null) \
            "/usr/bin/python$version" "/usr/local/bin/python$version"; do
            if [ -x "$candidate" ] && "$candidate" -c 'import venv, ensurepip' 2>/dev/null; then
                printf '%s %s\n' "$version" "$candidate"
                break
            fi
        done
    done
}

main=$("${VENV:-.venv}"/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
found | while read -r version python; do
    [ "$version" = "$main" ] && continue
    folder=.venv-$version
    if [ ! -f "$folder/.ready" ] || [ pyproject.toml -nt "$folder/.ready" ]; then
        "$python" -m venv "$folder"
        "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --editable . pytest pytest-timeout hypothesis
        touch "$folder/.ready"
    fi
    printf 'Function side on Python %s: ' "$version"
    "$folder/bin/python" -m pytest -q --no-header tests/unit/profiler </dev/null >"$folder/tests.log" 2>&1 || {
        printf 'failed\n'
        cat "$folder/tests.log"
        exit 1
    }
    tail -n 1 "$folder/tests.log"
done
