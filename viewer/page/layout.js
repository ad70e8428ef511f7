// Boxes from the runs of one lane: all stacks merged, or as they happened.

import { Boxes, finished } from "./boxes.js";

/** Return {self, rootSelf}: the weight seen at each node itself, and where there was no stack. */
export function selfWeights(stacks, lane) {
  const self = new Float64Array(stacks.parents.length);
  let rootSelf = 0;
  for (let run = 0; run < lane.nodes.length; run++) {
    const node = lane.nodes[run];
    if (node < 0) rootSelf += lane.weights[run];
    else self[node] += lane.weights[run];
  }
  return { self, rootSelf };
}

/** Return the weight of each node with everything below it. */
export function totalWeights(stacks, lane) {
  return summed(stacks.parents, selfWeights(stacks, lane).self);
}

function summed(parents, self) {
  const total = self.slice();
  for (let node = parents.length - 1; node >= 0; node--) {
    if (parents[node] >= 0) total[parents[node]] += total[node];
  }
  return total;
}

/** All stacks merged; `stacks` has parents and nodeFrames. The children of a box from the largest to the smallest. */
export function mergedLayout(stacks, lane) {
  const { parents, nodeFrames } = stacks;
  const { self, rootSelf } = selfWeights(stacks, lane);
  const total = summed(parents, self);
  const children = childLists(parents, total);

  const boxes = new Boxes(parents.length + 1);
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
  return finished(boxes);
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
export function orderedLayout(stacks, lane) {
  const { parents, nodeFrames } = stacks;
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
