// Where every box stands: preorder typed arrays, and rows that list the boxes of each depth from left to right.
//
// A layout's box 0 is the lane itself (frame -1). For box i: frame[i], depth[i], start[i] and total[i] in the
// lane's unit, self[i], and end[i], the first box after its subtree. A frame below -1 is a heading: `titles` has
// its text. A layout of callers and callees has its callers from box `firstCaller` on, at depths beyond `below`,
// the depth of the deepest callee; they are drawn in `above` rows over box 0.

/** Collects boxes in preorder into typed arrays that grow. */
export class Boxes {
  constructor(capacity) {
    this.count = 0;
    this.frame = new Int32Array(capacity);
    this.depth = new Int32Array(capacity);
    this.parent = new Int32Array(capacity);
    this.end = new Int32Array(capacity);
    this.start = new Float64Array(capacity);
    this.total = new Float64Array(capacity);
    this.self = new Float64Array(capacity);
  }

  add(frame, depth, parent, start) {
    if (this.count === this.frame.length) this.grow();
    const box = this.count++;
    this.frame[box] = frame;
    this.depth[box] = depth;
    this.parent[box] = parent;
    this.start[box] = start;
    return box;
  }

  /** Add all boxes of a layout, shifted in depth and start; without its box 0, `parent` stands for it. */
  append(layout, { parent, depth, start, withRoot }) {
    const first = withRoot ? 0 : 1;
    const shift = this.count - first;
    for (let box = first; box < layout.count; box++) {
      const above = layout.parent[box];
      const here = above < first ? parent : above + shift;
      const added = this.add(layout.frame[box], layout.depth[box] + depth, here, layout.start[box] + start);
      this.total[added] = layout.total[box];
      this.self[added] = layout.self[box];
      this.end[added] = layout.end[box] + shift;
    }
  }

  grow() {
    for (const name of ["frame", "depth", "parent", "end", "start", "total", "self"]) {
      const larger = new this[name].constructor(this[name].length * 2);
      larger.set(this[name]);
      this[name] = larger;
    }
  }
}

/** Add the rows: the boxes of depth d are rows[rowStart[d]] to rows[rowStart[d + 1]]. */
export function finished(boxes, ordered = false) {
  let deepest = 0;
  for (let box = 0; box < boxes.count; box++) deepest = Math.max(deepest, boxes.depth[box]);
  const rowStart = new Int32Array(deepest + 2);
  for (let box = 0; box < boxes.count; box++) rowStart[boxes.depth[box] + 1]++;
  for (let depth = 1; depth < rowStart.length; depth++) rowStart[depth] += rowStart[depth - 1];
  const place = rowStart.slice();
  const rows = new Int32Array(boxes.count);
  const rank = new Int32Array(boxes.count);
  for (let box = 0; box < boxes.count; box++) {
    rank[box] = place[boxes.depth[box]]++;
    rows[rank[box]] = box;
  }
  return Object.assign(boxes, {
    ordered,
    depthCount: deepest + 1,
    rowStart,
    rows,
    rank,
    above: 0,
    below: deepest,
    firstCaller: boxes.count,
    inverted: false,
    titles: [],
  });
}

/** Return the first place in a depth's row whose box ends after `value`. */
export function firstEndingAfter(layout, depth, value) {
  const { rows, start, total } = layout;
  let low = layout.rowStart[depth];
  let high = layout.rowStart[depth + 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    const box = rows[middle];
    if (start[box] + total[box] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Return the box at a depth and a value, or -1. */
export function boxAt(layout, depth, value) {
  if (depth < 0 || depth >= layout.depthCount) return -1;
  const place = firstEndingAfter(layout, depth, value);
  if (place >= layout.rowStart[depth + 1]) return -1;
  const box = layout.rows[place];
  return layout.start[box] <= value ? box : -1;
}

/** Return the row, counted from the one at the top, in which a depth is drawn. */
export function rowOfDepth(layout, depth) {
  return depth <= layout.below ? layout.above + depth : layout.above + layout.below - depth;
}

/** Return the depth that is drawn in a row. */
export function depthOfRow(layout, row) {
  return row >= layout.above ? row - layout.above : layout.above + layout.below - row;
}
