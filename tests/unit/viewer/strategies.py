"""Profiles that hypothesis makes up."""

from hypothesis import strategies as st

from profiler.capture import Frame
from viewer.load import ProfileBuilder
from viewer.profile import Lane, Profile

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
FILLED = TEXT.filter(bool)
NAMES = st.one_of(
    TEXT, st.sampled_from(["handler", "a.<locals>.<lambda>", "f (x)", "x;y", "fn 5", "\x1b[2J"])
)
FILES = st.one_of(TEXT, st.sampled_from(["", "/var/task/app.py", "C:\\x\\a.py", "<frozen os>", "b c.py"]))
FRAMES = st.lists(st.builds(Frame, NAMES, FILES, st.integers(0, 10**6)), min_size=4, max_size=4)
RUNS = st.lists(st.tuples(st.lists(st.integers(0, 3), max_size=6), st.integers(1, 10**12)), max_size=8)
UNITS = st.sampled_from(["nanoseconds", "bytes", "none"])


@st.composite
def profiles(draw, names=FILLED, units=UNITS, min_lanes=0):
    """Return a profile of up to three lanes, no two of them of one name and unit."""
    builder = ProfileBuilder()
    stacks = builder.stacks(draw(FRAMES))
    lanes = draw(
        st.lists(
            st.tuples(names, units, RUNS, st.booleans()),
            min_size=min_lanes,
            max_size=3,
            unique_by=lambda lane: (lane[0], lane[1]),
        )
    )
    made = [
        Lane(name, unit, list(stacks.runs((tuple(stack), weight) for stack, weight in runs)), ordered)
        for name, unit, runs, ordered in lanes
    ]
    return Profile(draw(FILLED), builder.frames, builder.table, made, {"File": "x"})
