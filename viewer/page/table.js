// The table of functions: the same facts as the picture, for reading, sorting and screen readers.

import { formatShare, formatWeight, printable } from "./format.js";
import { sortedRows } from "./functions.js";
import { locationOf } from "./source.js";

const PAGE_ROWS = 200;

/** A sortable table of functions. `onChoose(frame)` is called when one is chosen, `onOpen(frame)` for its source. */
export class FunctionTable {
  constructor(table, more, { onChoose, onOpen }) {
    this.body = table.tBodies[0];
    this.more = more;
    this.onChoose = onChoose;
    this.onOpen = onOpen;
    this.headers = [...table.tHead.querySelectorAll("th")];
    this.sort = { column: "self", descending: true };
    for (const header of this.headers) {
      header.querySelector("button").addEventListener("click", () => this.sortBy(header.dataset.column));
    }
    more.addEventListener("click", () => {
      this.shown += PAGE_ROWS;
      this.render();
    });
  }

  /** Show rows from `functionTotals` for a lane. `colours` has one entry for each module. */
  show(rows, profile, lane, colours) {
    Object.assign(this, { rows, profile, lane, colours, shown: PAGE_ROWS });
    this.render();
  }

  recolour(colours) {
    if (!this.rows) return;
    this.colours = colours;
    this.render();
  }

  sortBy(column) {
    const descending = this.sort.column === column ? !this.sort.descending : column === "self" || column === "total";
    this.sort = { column, descending };
    this.render();
  }

  key() {
    const { frames } = this.profile;
    return {
      self: (row) => row.self,
      total: (row) => row.total,
      name: (row) => frames[row.frame].name.toLowerCase(),
      location: (row) => frames[row.frame].location.toLowerCase(),
    }[this.sort.column];
  }

  render() {
    for (const header of this.headers) {
      const sorted = header.dataset.column === this.sort.column;
      header.setAttribute("aria-sort", sorted ? (this.sort.descending ? "descending" : "ascending") : "none");
    }
    const rows = sortedRows(this.rows, this.key(), this.sort.descending);
    this.body.replaceChildren(...rows.slice(0, this.shown).map((row) => this.row(row)));
    const left = rows.length - this.shown;
    this.more.hidden = left <= 0;
    this.more.textContent = `Show ${Math.min(left, PAGE_ROWS)} more of ${left}`;
  }

  row(row) {
    const frame = this.profile.frames[row.frame];
    const line = document.createElement("tr");
    const name = document.createElement("button");
    name.type = "button";
    name.className = "name";
    name.textContent = printable(frame.name);
    name.addEventListener("click", () => this.onChoose(row.frame));
    const { unit, total } = this.lane;
    const header = document.createElement("th");
    header.scope = "row";
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    swatch.style.backgroundColor = this.colours[frame.module].fill;
    header.append(swatch, name);
    line.append(
      header,
      cell(formatWeight(row.self, unit), "number"),
      shareCell(row.self, total),
      cell(formatWeight(row.total, unit), "number"),
      shareCell(row.total, total),
    );
    const location = cell("", "location");
    location.append(locationOf(this.profile, row.frame, this.onOpen));
    line.append(location);
    return line;
  }
}

function cell(text, kind) {
  const made = document.createElement("td");
  made.className = kind;
  made.textContent = text;
  return made;
}

/** A share as text over a bar. */
function shareCell(part, whole) {
  const made = cell(formatShare(part, whole), "number share");
  made.style.setProperty("--share", `${(100 * part) / (whole || 1)}%`);
  return made;
}
