#!/bin/bash
# Run all tests. What waits more than it works, and what other interpreters do, runs beside the rest, so that the
# second core is used; all of it is reported at the end, the main run's count last. Usage: test.sh VENV
set -uo pipefail

venv=$1
# Real time-outs, on each of Lambda's interpreters: most of their time nothing happens.
waiting="tests/integration/test_timeouts.py tests/integration/test_drafts_killed.py tests/integration/test_lifecycle.py"
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

(
    VENV=$venv tools/test-interpreters.sh && "$venv/bin/python" -m pytest -p no:cacheprovider $waiting
) >"$logs/beside" 2>&1 &
beside=$!
ignored=$(printf -- '--ignore=%s ' $waiting)
"$venv/bin/python" -m pytest $ignored | tee "$logs/main"
main=$?
wait $beside
other=$?
printf '\n== Beside it: other interpreters, and real time-outs ==\n'
if [ $other -eq 0 ]; then
    grep -E '^Function side|^=.* (passed|failed)' "$logs/beside"
else
    cat "$logs/beside"
fi
tail -n 1 "$logs/main"
exit $((main > other ? main : other))
