// Threads as bands under one time axis, each with its own stacks below a heading.

import { Boxes, finished } from "./boxes.js";
import { formatDuration, printable } from "./format.js";
import { orderedLayout } from "./layout.js";

// A box with frame FIRST_TITLE - n is the heading of band n.
const FIRST_TITLE = -2;

/** Return all lanes in time order, one band each; the whole is from the first start to the last end. */
export function threadsLayout(stacks, lanes) {
  const boxes = new Boxes(1024);
  const root = boxes.add(-1, 0, -1, 0);
  const titles = [];
  let depth = 1;
  for (const lane of lanes) {
    const band = orderedLayout(stacks, lane);
    const heading = boxes.add(FIRST_TITLE - titles.length, depth, root, lane.start);
    titles.push(`${printable(lane.name)} · ${spent(lane)}`);
    boxes.total[heading] = lane.total;
    boxes.self[heading] = band.self[0];
    boxes.append(band, { parent: heading, depth, start: lane.start, withRoot: false });
    boxes.end[heading] = boxes.count;
    boxes.total[root] = Math.max(boxes.total[root], lane.start + lane.total);
    depth += band.depthCount;
  }
  boxes.end[root] = boxes.count;
  return Object.assign(finished(boxes, true), { titles });
}

function spent({ total, omitted = 0 }) {
  if (!omitted) return formatDuration(total);
  return omitted < total ? `busy ${formatDuration(total - omitted)} of ${formatDuration(total)}` : "idle";
}

/** Return the heading of a box with a frame below -1. */
export function titleOf(layout, box) {
  return layout.titles[FIRST_TITLE - layout.frame[box]] ?? "";
}
