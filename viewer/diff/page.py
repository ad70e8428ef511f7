"""A comparison as a flame graph: the page of every profile, coloured by what changed.

Two lanes, after and before, both per invocation. A function that takes more for sure is red, one that takes
less is blue, the stronger the more of the whole it is; what may have changed by chance is grey.
"""

from __future__ import annotations

from typing import Any

from profiler.capture import Frame
from viewer.building import ProfileBuilder
from viewer.diff.comparison import Change, Comparison
from viewer.diff.side import Function, Side, function_of
from viewer.diff.words import headline, percent, shown, signed, sureness
from viewer.page import assemble
from viewer.profile import Lane, Profile
from viewer.renderers.html import document_of

# From which share of the whole on a change is strong, clear, or slight.
_LEVELS = (0.05, 0.01, 0.0)
_NAMES = ("5 % of the whole or more", "1 to 5 % of the whole", "less than 1 % of the whole")
_EVEN = len(_NAMES) * 2
_MODULES: list[dict[str, Any]] = [
    *({"category": "more", "name": f"more, {name}", "place": place} for place, name in enumerate(_NAMES)),
    *({"category": "less", "name": f"less, {name}", "place": place} for place, name in enumerate(_NAMES)),
    {"category": "even", "name": "no sure change", "place": 0},
]


def render(before: Side, after: Side, comparison: Comparison) -> str:
    """Return the page."""
    changes = {function_of(change.frame): change for change in comparison.changes}
    profile = _profile(before, after, comparison)
    document = document_of(profile)
    whole = max(comparison.whole.estimate.before, comparison.whole.estimate.after)
    document["modules"] = _MODULES
    document["frames"] = [
        _frame(frame, entry, changes, whole, comparison)
        for frame, entry in zip(profile.frames, document["frames"], strict=True)
    ]
    return assemble(document)


def _profile(before: Side, after: Side, comparison: Comparison) -> Profile:
    builder = ProfileBuilder()
    lanes = [_lane(builder, side, after) for side in (after, before)]
    facts = {"Change": headline(comparison)}
    title = f"{comparison.before} → {comparison.after}"
    approximate = before.approximate or after.approximate
    return Profile(title, builder.frames, builder.table, lanes, facts, approximate)


def _lane(builder: ProfileBuilder, side: Side, newest: Side) -> Lane:
    """Return the stacks of a side, per invocation; a function has the line that it has after the change."""
    frames = [newest.frames.get(function_of(frame), frame) for frame in side.builder.frames]
    stacks = builder.stacks(frames)
    runs = [
        (node, round(weight / side.count))
        for lane in side.builder.lanes()
        for node, weight in stacks.runs(
            (side.builder.table.stack(node), weight) for node, weight in lane.runs
        )
    ]
    return Lane(f"{'after' if side is newest else 'before'}: {side.name}", side.unit, runs, ordered=False)


def _frame(
    frame: Frame, entry: list[Any], changes: dict[Function, Change], whole: float, comparison: Comparison
) -> list[Any]:
    name, location, _ = entry
    change = changes.get(function_of(frame))
    if change is None:
        return [name, location, _EVEN]
    estimate = shown(change)
    share = percent(estimate) or change.kind
    text = f"{signed(estimate, comparison.unit)} per invocation ({share}), {sureness(change.p)}"
    return [name, f"{location} · {text}", _module(change, whole, comparison)]


def _module(change: Change, whole: float, comparison: Comparison) -> int:
    """Return the colour of a change, as an index of `_MODULES`."""
    amount = shown(change).change
    if not amount or not (change.is_sure or not comparison.has_chance):
        return _EVEN
    share = abs(amount) / whole if whole else 0.0
    level = next(index for index, least in enumerate(_LEVELS) if share >= least)
    return level if amount > 0 else len(_NAMES) + level
