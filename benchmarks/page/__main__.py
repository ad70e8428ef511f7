"""Compare pages that draw the same call tree, in the same Chromium, in one run.

`python -m benchmarks.page` from the checkout; `--nodes 1000,10000` and `--rounds 1` for a short one.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.page.fetch import fetch_npm, fetch_python
from benchmarks.page.measure import NEVER, Measured, measure
from benchmarks.page.pages import Contender, contenders
from benchmarks.page.trees import Tree, make_tree

sys.path.append(str(Path(__file__).resolve().parents[1]))

from report import conditions, print_table

MEASURES = {
    "render_ms": "first render, ms",
    "zoom_ms": "zoom, ms",
    "search_ms": "search, ms",
    "heap_mb": "heap, MB",
}


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *arguments: object) -> None:
        """A browser that leaves before it has read everything is no error."""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback: speedscope fetches its profile."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", default="1000,10000,100000,1000000", help="sizes, separated by commas")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds (default 3)")
    parser.add_argument("--only", default="", help="contenders whose names begin so, separated by commas")
    parser.add_argument("--cache", type=Path, help="folder for what is fetched (default: for this run only)")
    parser.add_argument(
        "--pictures", type=Path, help="folder for a picture of each page, zoomed and searched"
    )
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    args = parser.parse_args()
    sizes = [int(size) for size in args.nodes.split(",")]
    with tempfile.TemporaryDirectory(prefix="pages-") as temporary:
        cache = args.cache or Path(temporary, "cache")
        pages = contenders(fetch_npm(cache), fetch_python(cache))
        if args.only:
            pages = [page for page in pages if page.name.startswith(tuple(args.only.split(",")))]
        results = {size: compare(pages, make_tree(size), args, Path(temporary, str(size))) for size in sizes}
    for name, title in MEASURES.items():
        rows = [[page.name, *(_text(results[size][page.name], name) for size in sizes)] for page in pages]
        note = f"medians of {args.rounds} rounds · a fresh Chromium each · {conditions()}"
        print_table(
            title, ["page", *(f"{size:,} nodes" for size in sizes)], rows, note=note, markdown=args.markdown
        )


def compare(
    pages: Sequence[Contender], tree: Tree, args: argparse.Namespace, folder: Path
) -> dict[str, list[Measured]]:
    """Return what each page took in each round, the rounds interleaved."""
    folder.mkdir()
    size = len(tree.parents)
    addresses = {}
    for page in pages:
        try:
            addresses[page.name] = page.make(tree, folder)
        except (subprocess.SubprocessError, OSError, MemoryError) as error:
            print(f"{page.name}, {size:,} nodes: no page ({error!r:.200})", file=sys.stderr)
    found: dict[str, list[Measured]] = {page.name: [] for page in pages}
    with served(folder) as site:
        for number in range(args.rounds):
            for page in pages:
                given_up = any(one.render_ms == NEVER for one in found[page.name])
                if page.name not in addresses or given_up:
                    continue
                kept = str(args.pictures / f"{page.name}-{size}") if args.pictures and not number else ""
                found[page.name].append(measure(page, f"{site}/{addresses[page.name]}", kept))
    return found


def _text(measured: Sequence[Measured], name: str) -> str:
    values = [getattr(one, name) for one in measured]
    if not values or None in values:
        return "–"
    if NEVER in values:
        return "never"
    return f"{statistics.median(values):,.0f}"


if __name__ == "__main__":
    main()
