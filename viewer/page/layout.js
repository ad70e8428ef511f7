// Where every box stands: preorder typed arrays, made from a lane's runs.
//
// A layout's box 0 is the lane itself (frame -1). For box i: frame[i], depth[i], start[i] and total[i] in the
// lane's unit, self[i], and end[i], the first box after its subtree. Rows list the boxes of each depth from
// left to right.

/** Collects boxes in preorder into typed arrays that grow. */
class Boxes {
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

  grow() {
    for (const name of ["frame", "depth", "parent", "end", "start", "total", "self"]) {
      const larger = new this[name].constructor(this[name].length * 2);
      larger.set(this[name]);
      this[name] = larger;
    }
  }
}

/** All stacks merged; the children of a box from the largest to the smallest. */
export function mergedLayout(profile, lane) {
  const { parents, nodeFrames } = profile;
  const count = parents.length;
  const self = new Float64Array(count);
  let rootSelf = 0;
  for (let run = 0; run < lane.nodes.length; run++) {
    const node = lane.nodes[run];
    if (node < 0) rootSelf += lane.weights[run];
    else self[node] += lane.weights[run];
  }
  const total = self.slice();
  for (let node = count - 1; node >= 0; node--) {
    if (parents[node] >= 0) total[parents[node]] += total[node];
  }
  const children = childLists(parents, total);

  const boxes = new Boxes(count + 1);
  const root = boxes.add(-1, 0, -1, 0);
  boxes.self[root] = rootSelf;
  boxes.total[root] = lane.total;
  // Each entry of the stack is a node whose children are being placed, with the next child's place and start.
  const open = [{ node: -1, box: root, next: children.first[0], start: 0 }];
  while (open.length) {
    const top = open[open.length - 1];
    if (top.next === children.first[top.node + 2]) {
      boxes.end[top.box] = boxes.count;
      open.pop();
      continue;
    }
    const node = children.list[top.next++];
    const box = boxes.add(nodeFrames[node], open.length, top.box, top.start);
    boxes.total[box] = total[node];
    boxes.self[box] = self[node];
    open.push({ node, box, next: children.first[node + 1], start: top.start });
    top.start += total[node];
  }
  return finished(boxes, false);
}

/** Children with any weight, by parent: those of node n stand at list[first[n + 1]] to list[first[n + 2]]. */
function childLists(parents, total) {
  const first = new Int32Array(parents.length + 2);
  for (let node = 0; node < parents.length; node++) {
    if (total[node] > 0) first[parents[node] + 2]++;
  }
  for (let index = 1; index < first.length; index++) first[index] += first[index - 1];
  const place = first.slice();
  const list = new Int32Array(first[first.length - 1]);
  for (let node = 0; node < parents.length; node++) {
    if (total[node] > 0) list[place[parents[node] + 1]++] = node;
  }
  for (let index = 0; index + 1 < first.length; index++) {
    if (first[index + 1] - first[index] > 1) {
      list.subarray(first[index], first[index + 1]).sort((one, other) => total[other] - total[one]);
    }
  }
  return { first, list };
}

/** The runs as they happened; a frame that stays is one box. */
export function orderedLayout(profile, lane) {
  const { parents, nodeFrames } = profile;
  const boxes = new Boxes(Math.max(16, lane.nodes.length * 2));
  const root = boxes.add(-1, 0, -1, 0);
  boxes.total[root] = lane.total;
  let openNodes = [];
  let openBoxes = [root];
  let now = 0;
  const close = (depth) => {
    while (openNodes.length > depth) {
      openNodes.pop();
      const box = openBoxes.pop();
      boxes.total[box] = now - boxes.start[box];
      boxes.end[box] = boxes.count;
    }
  };
  for (let run = 0; run < lane.nodes.length; run++) {
    const path = [];
    for (let node = lane.nodes[run]; node >= 0; node = parents[node]) path.push(node);
    path.reverse();
    let shared = 0;
    while (shared < path.length && path[shared] === openNodes[shared]) shared++;
    close(shared);
    for (let depth = shared; depth < path.length; depth++) {
      openNodes.push(path[depth]);
      openBoxes.push(boxes.add(nodeFrames[path[depth]], depth + 1, openBoxes[depth], now));
    }
    boxes.self[openBoxes[openBoxes.length - 1]] += lane.weights[run];
    now += lane.weights[run];
  }
  close(0);
  boxes.end[root] = boxes.count;
  return finished(boxes, true);
}

/** Add the rows: the boxes of depth d are rows[rowStart[d]] to rows[rowStart[d + 1]]. */
function finished(boxes, ordered) {
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
  return Object.assign(boxes, { ordered, depthCount: deepest + 1, rowStart, rows, rank });
}

/** Return the first place in a depth's row whose box ends after `value`. */
export function firstEndingAfter(layout, depth, value) {
  let low = layout.rowStart[depth];
  let high = layout.rowStart[depth + 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    const box = layout.rows[middle];
    if (layout.start[box] + layout.total[box] > value) high = middle;
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
