"""The functions of a lane with their self and total, as a table to walk in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.text import Text
from textual.widgets import DataTable

from viewer.processors import FunctionTotals
from viewer.renderers.text import location
from viewer.units import printable

# More rows than anybody walks through; the search finds the others.
MOST_ROWS = 2_000
_ORDERS: dict[str, Callable[[FunctionTotals], tuple[object, ...]]] = {
    "self": lambda row: (-row.self_weight, -row.total_weight),
    "total": lambda row: (-row.total_weight, -row.self_weight),
    "function": lambda row: (row.frame.name.casefold(), -row.self_weight),
}


class FunctionTable(DataTable[Text]):
    """Rows of functions, the largest first, or by name."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, cursor_type="row", zebra_stripes=False)
        self.order = "self"
        self.rows_shown: Sequence[FunctionTotals] = ()

    def show_rows(self, rows: Iterable[FunctionTotals], share: Callable[[int], str]) -> None:
        """Fill the table; `share` writes a weight out."""
        self.rows_shown = sorted(rows, key=_ORDERS[self.order])[:MOST_ROWS]
        self.clear(columns=True)
        # Text, not strings: names are data, and textual would read "[red]" in one as an order.
        for name in ("self", "total", "function", "location"):
            self.add_column(Text(f"{name} ↓" if name == self.order else name), key=name)
        for row in self.rows_shown:
            self.add_row(
                Text(share(row.self_weight) if row.self_weight else "", justify="right"),
                Text(share(row.total_weight), justify="right"),
                Text(printable(row.frame.name)),
                Text(printable(location(row.frame)), "dim"),
            )

    def next_order(self) -> None:
        names = list(_ORDERS)
        self.order = names[(names.index(self.order) + 1) % len(names)]

    def sort_by(self, column: str) -> bool:
        """Order by a column; False where there is no such order."""
        if column not in _ORDERS:
            return False
        self.order = column
        return True

    @property
    def row(self) -> FunctionTotals | None:
        """The function under the cursor."""
        if not self.rows_shown:
            return None
        return self.rows_shown[min(self.cursor_row, len(self.rows_shown) - 1)]
