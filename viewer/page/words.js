// What is said about a box, in words.

import { formatShare, formatWeight, printable } from "./format.js";
import { pathTo } from "./navigate.js";

/** Words for the boxes of one lane's layout. `totals` are the rows of `functionTotals`. */
export class Words {
  constructor(profile, lane, layout, totals) {
    Object.assign(this, { profile, lane, layout });
    this.totals = new Map(totals.map((row) => [row.frame, row]));
  }

  frame(box) {
    return this.profile.frames[this.layout.frame[box]];
  }

  name(box) {
    return printable(this.frame(box)?.name ?? this.lane.name);
  }

  location(box) {
    return printable(this.frame(box)?.location ?? "");
  }

  /** A weight and its share of the lane. */
  weight(value) {
    return `${formatWeight(value, this.lane.unit)} (${formatShare(value, this.lane.total)})`;
  }

  total(box) {
    return this.weight(this.layout.total[box]);
  }

  self(box) {
    return this.weight(this.layout.self[box]);
  }

  /** What the box's function has in all its boxes; empty where there is only this one. */
  everywhere(box) {
    const row = this.totals.get(this.layout.frame[box]);
    if (!row || row.count < 2) return "";
    const places = this.layout.ordered ? "stretches" : "stacks";
    return `in all ${row.count} ${places} total ${this.weight(row.total)}, self ${this.weight(row.self)}`;
  }

  sentence(box) {
    const location = this.location(box);
    return `${this.name(box)}, total ${this.total(box)}, self ${this.self(box)}${location && `, ${location}`}`;
  }

  /** The stack of a box, root first, a line for each function. */
  stack(box) {
    const boxes = pathTo(this.layout, box).slice(1);
    return boxes.map((at) => `${this.name(at)}  ${this.location(at)}`).join("\n");
  }
}
