"""Draw a profile as an indented call tree, for a terminal or a log.

 total                self  function
412 ms  100.0%        1 ms  handler  app.py:12
330 ms   80.1%       30 ms  ├─ price  app.py:30
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from profiler.capture import Frame
from viewer.calltree import CallTreeNode, call_tree
from viewer.modules import short_file
from viewer.processors import prune
from viewer.profile import Lane, Profile
from viewer.units import printable, weight

LEAST_SHARE = 0.01
# Beyond this depth the tree leaves every screen; what is deeper is counted, not drawn.
MAX_DEPTH = 200

Span = tuple[str, str]
Line = list[Span]


def render(profile: Profile) -> str:
    """Return the call trees of all lanes as plain text."""
    blocks = (tree_lines(profile, [lane]) for lane in profile.lanes)
    return "\n".join("".join(_plain(line) + "\n" for line in block) for block in blocks)


def tree_lines(profile: Profile, lanes: Sequence[Lane], least_share: float = LEAST_SHARE) -> Iterator[Line]:
    """Yield the lines of one call tree as (text, style) spans; lanes are added up.

    Nodes below `least_share` (0 to 1) of the whole are left out, and their number and weight said.
    """
    unit = lanes[0].unit if lanes else "nanoseconds"
    root = prune(call_tree(profile, lanes), least_share)
    whole = root.total_weight
    names = ", ".join(printable(lane.name) for lane in lanes[:3]) + (" …" if len(lanes) > 3 else "")
    yield [(names, "bold"), (f"  {weight(whole, unit)}", "")]
    yield [(f"{'total':>10}  {'':>6}  {'self':>10}  function", "bold")]
    for node, lead in _placed(root):
        if node.frame is not None:
            yield _node_line(node, lead, whole, unit)


def _placed(root: CallTreeNode) -> Iterator[tuple[CallTreeNode, str]]:
    """Yield (node, what leads its line), parents first; what is hidden comes as a node of its own."""
    waiting = [(root, "", "", 0)]
    while waiting:
        node, lead, below, depth = waiting.pop()
        yield node, lead
        children = _shown(node, depth)
        for index in range(len(children) - 1, -1, -1):
            branch, rail = ("├─ ", "│  ") if index < len(children) - 1 else ("└─ ", "   ")
            if node.frame is None:
                branch = rail = ""
            waiting.append((children[index], below + branch, below + rail, depth + 1))


def _shown(node: CallTreeNode, depth: int) -> list[CallTreeNode]:
    """Return the children to draw; those that are not make one last line together."""
    hidden, hidden_weight = node.hidden, node.hidden_weight
    children = node.children
    if depth >= MAX_DEPTH:
        hidden += len(children)
        hidden_weight += sum(child.total_weight for child in children)
        children = []
    if not hidden:
        return children
    label = f"({hidden:,} {'more' if children else 'smaller'})"
    return [*children, CallTreeNode(Frame(label, "", 0), 0, hidden_weight)]


def _node_line(node: CallTreeNode, lead: str, whole: int, unit: str) -> Line:
    assert node.frame is not None
    share = node.total_weight / whole if whole else 0.0
    style = "bold red" if share >= 0.5 else "yellow" if share >= 0.1 else ""
    own = weight(node.self_weight, unit) if node.self_weight else ""
    return [
        (f"{weight(node.total_weight, unit):>10}  ", style),
        (f"{share:>6.1%}  ", style),
        (f"{own:>10}  ", ""),
        (lead, "dim"),
        (printable(node.frame.name), style),
        (f"  {printable(location(node.frame))}", "dim"),
    ]


def location(frame: Frame) -> str:
    """Return where a frame is: its file without the way to the installation, and its line."""
    if not frame.file:
        return ""
    return f"{short_file(frame.file)}:{frame.line}" if frame.line else short_file(frame.file)


def _plain(line: Line) -> str:
    return "".join(text for text, _ in line).rstrip()
