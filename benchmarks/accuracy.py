"""How far each engine is from the truth: the share of time that it gives to the wrong leaf.

python benchmarks/accuracy.py [--rounds 7] [--quick] [--markdown]
"""

from __future__ import annotations

import gc
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence

from peers import PEERS, SLOW, SLOW_ROUNDS, UNTIMED, slow_note
from report import conditions, options, print_table, progress, spread
from truth import ELSEWHERE, SCENARIOS, Scenario, Score, execute, measure, observed, score

# engine → scenario → one score a round
Scores = dict[str, dict[str, list[Score]]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. Returns the exit code."""
    chosen = options("How far each engine is from the truth.", arguments)
    engines = [name for name in PEERS if name not in UNTIMED and not (chosen.quick and name in SLOW)]
    scores = measure_scores(engines, chosen.rounds)
    where = f"{conditions()}\nMedian of {chosen.rounds} rounds (lowest–highest), truth measured in between."
    if not chosen.quick:
        where += slow_note(engines, chosen.rounds)
    header = ["engine", *SCENARIOS]
    rows = [
        [name, *(spread([100 * one.wrong_share for one in scores[name][load]], ".1f") for load in SCENARIOS)]
        for name in engines
    ]
    title = "Share of time given to the wrong leaf, % (0 = true)"
    print_table(title, header, rows, note=where, markdown=chosen.markdown)
    rows = [[name, *(_worst(scores[name][load]) for load in SCENARIOS)] for name in engines]
    title = "Worst leaf, percentage points off"
    print_table(
        title,
        header,
        rows,
        note=f"{where}\nA CPU clock does not see sleep, by design.",
        markdown=chosen.markdown,
    )
    return 0


def measure_scores(engines: Sequence[str], rounds: int) -> Scores:
    """Return the scores of every round.

    The truth of a round is the median of runs between the engines' runs, so that a machine which
    slows down for a while moves both alike.
    """
    scores: Scores = defaultdict(lambda: defaultdict(list))
    for scenario in SCENARIOS.values():
        execute(scenario)
    for number in progress(range(rounds), "accuracy"):
        chosen = [name for name in engines if name not in SLOW or number < SLOW_ROUNDS]
        for load, scenario in SCENARIOS.items():
            timings = [measure(scenario)]
            seen: dict[str, dict[str, float]] = {}
            for name in chosen if number % 2 else reversed(chosen):
                seen[name] = _profiled(name, scenario)
                timings.append(measure(scenario))
            true = medians(timings)
            leaves = frozenset(true) - {ELSEWHERE}
            for name, times in seen.items():
                scores[name][load].append(score(observed(times, leaves), true))
    return scores


def _profiled(name: str, scenario: Scenario) -> dict[str, float]:
    gc.collect()
    peer = PEERS[name]()
    peer.run(lambda: execute(scenario))
    return peer.times()


def medians(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the median of each leaf over several timings."""
    return {leaf: statistics.median(run[leaf] for run in runs) for leaf in runs[0]}


def _worst(scores: Sequence[Score]) -> str:
    leaf = Counter(one.worst_leaf for one in scores).most_common(1)[0][0]
    return f"{statistics.median(one.worst_points for one in scores):.1f} {leaf}"


if __name__ == "__main__":
    sys.exit(main())
