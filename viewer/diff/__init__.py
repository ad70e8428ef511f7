"""What changed from one set of invocations to another, function by function, and how sure that is.

    before, after = Side("build 90", lanes_of), Side("build 91", lanes_of)
    for capture in ...: before.add(profile_of(capture))
    comparison = compare(before, after)

Everything is per invocation: two sets of any size can be compared. Sets are read one capture after the
other, and only sums are kept of them.
"""

from viewer.diff.comparison import Change, Comparison, Whole, compare
from viewer.diff.side import Function, Side

__all__ = ["Change", "Comparison", "Function", "Side", "Whole", "compare"]
