"""The call tree that all pages draw: seeded, deep in places, a few hot branches, many thin ones."""

from __future__ import annotations

import random
from dataclasses import dataclass

MOST_DEPTH = 60
MODULES = ("app", "checkout", "botocore", "urllib3", "pydantic", "json", "re", "logging", "asyncio", "ssl")


@dataclass(frozen=True)
class Tree:
    """Nodes in preorder: `parents` (-1 for a root), `frames`, and each one's own weight in microseconds."""

    names: list[str]
    files: list[str]
    parents: list[int]
    frames: list[int]
    weights: list[int]

    def children(self) -> list[list[int]]:
        """Return the children of each node; those of the lane itself come last."""
        below: list[list[int]] = [[] for _ in range(len(self.parents) + 1)]
        for node, parent in enumerate(self.parents):
            below[parent].append(node)
        return below

    def totals(self) -> list[int]:
        """Return the weight of each node with everything below it."""
        totals = list(self.weights)
        for node in range(len(totals) - 1, -1, -1):
            if self.parents[node] >= 0:
                totals[self.parents[node]] += totals[node]
        return totals


def make_tree(nodes: int, seed: int = 1) -> Tree:
    """Return a tree of exactly so many nodes, with one root."""
    chance = random.Random(seed)
    functions = min(4000, max(40, nodes // 40))
    names = [f"{MODULES[number % len(MODULES)]}_function_{number}" for number in range(functions)]
    files = [
        f"/opt/python/{MODULES[number % len(MODULES)]}/module_{number % 97}.py" for number in range(functions)
    ]
    parents, frames, weights = [-1], [0], [0]
    path = [0]
    while len(parents) < nodes:
        # Most steps go deeper; some return a few levels, a few a long way, and go on from there.
        if len(path) >= MOST_DEPTH or (len(path) > 1 and chance.random() < 0.4):
            levels = chance.randrange(1, 40) if chance.random() < 0.02 else chance.randrange(1, 3)
            del path[max(1, len(path) - levels) :]
        frame = chance.randrange(1, functions)
        parents.append(path[-1])
        frames.append(frame)
        weights.append(chance.randrange(1, 40) if chance.random() < 0.9 else chance.randrange(40, 4000))
        path.append(len(parents) - 1)
    return Tree(names, files, parents, frames, weights)
