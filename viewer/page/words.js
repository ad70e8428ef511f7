// What is said about a box, in words.

import { formatShare, formatWeight, printable } from "./format.js";
import { pathTo } from "./navigate.js";
import { titleOf } from "./threads.js";

/** Words for the boxes of one view (see Views.of). */
export class Words {
  constructor(profile, { layout, lane, totals, tree }) {
    Object.assign(this, { profile, lane, layout, tree });
    this.totals = new Map(totals.map((row) => [row.frame, row]));
  }

  frame(box) {
    return this.profile.frames[this.layout.frame[box]];
  }

  name(box) {
    return printable(this.frame(box)?.name ?? (titleOf(this.layout, box) || this.lane.name));
  }

  location(box) {
    return printable(this.frame(box)?.location ?? "");
  }

  /** A weight and its share of the lane. */
  weight(value) {
    return `${formatWeight(value, this.lane.unit)} (${formatShare(value, this.lane.total)})`;
  }

  total(box) {
    const total = this.layout.total[box];
    // Beside other threads a thread's span is no share of their sum.
    const spans = this.layout.titles.length && !this.frame(box);
    return spans ? formatWeight(total, this.lane.unit) : this.weight(total);
  }

  /** What was spent in the box itself; empty among callers, whose boxes hold what they led to. */
  self(box) {
    const isCaller = this.layout.inverted || box >= this.layout.firstCaller;
    return isCaller || (this.layout.titles.length && !this.frame(box)) ? "" : this.weight(this.layout.self[box]);
  }

  /** What the box's function has in all its boxes; empty where there is only this one. */
  everywhere(box) {
    const row = this.totals.get(this.layout.frame[box]);
    if (!row || row.count < 2) return "";
    const places = this.tree.ordered ? "stretches" : "stacks";
    return `in all ${row.count} ${places} total ${this.weight(row.total)}, self ${this.weight(row.self)}`;
  }

  /** Total and self in one line. */
  numbers(box) {
    const self = this.self(box);
    return `total ${this.total(box)}${self && ` · self ${self}`}`;
  }

  sentence(box) {
    const self = this.self(box);
    const location = this.location(box);
    return `${this.name(box)}, total ${this.total(box)}${self && `, self ${self}`}${location && `, ${location}`}`;
  }

  /** The stack of a box, root first, a line for each function. */
  stack(box) {
    const boxes = pathTo(this.layout, box).filter((at) => this.frame(at));
    // Among callers the way from the root of the picture is the stack from its end.
    if (this.layout.inverted || box >= this.layout.firstCaller) boxes.reverse();
    return boxes.map((at) => `${this.name(at)}  ${this.location(at)}`).join("\n");
  }
}
