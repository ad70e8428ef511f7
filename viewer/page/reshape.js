// Stack tables made from others: groups of modules folded or hidden, recursion collapsed, one function as the root.
//
// A stack table has `parents` and `nodeFrames`, parents first. What is made here has `moved` too: where each node of
// the table before has gone (-1: to the lane itself; OUTSIDE: it is not there).

export const OUTSIDE = -2;

/** Collects nodes; the same frame below the same node is one. */
class StackTable {
  constructor(frameCount) {
    this.frameCount = frameCount;
    this.parents = [];
    this.nodeFrames = [];
    this.children = new Map();
  }

  child(node, frame) {
    const edge = (node + 1) * this.frameCount + frame;
    let child = this.children.get(edge);
    if (child === undefined) {
      child = this.parents.push(node) - 1;
      this.nodeFrames.push(frame);
      this.children.set(edge, child);
    }
    return child;
  }

  /** Return the node at or above `node` with a frame, or -1. */
  nearest(node, frame) {
    let at = node;
    while (at >= 0 && this.nodeFrames[at] !== frame) at = this.parents[at];
    return at;
  }

  finished(moved) {
    return { parents: Int32Array.from(this.parents), nodeFrames: Int32Array.from(this.nodeFrames), moved };
  }
}

/** Return a profile's stacks as a person wants to see them.
 *
 * `groups` says "show", "fold" or "hide" for each category: a folded module is one box, the function through which
 * it was entered; what is hidden counts as its caller's own. With `recursion` a call of a function that is running
 * already goes back to the box it has.
 */
export function reshaped(profile, groups, recursion) {
  const { parents, nodeFrames, frames, modules } = profile;
  const modes = frames.map(({ module }) => groups[modules[module].category] ?? "show");
  if (!recursion && modes.every((mode) => mode === "show")) return { parents, nodeFrames, moved: null };
  const table = new StackTable(frames.length);
  const moved = new Int32Array(parents.length);
  for (let node = 0; node < parents.length; node++) {
    const frame = nodeFrames[node];
    const above = parents[node] < 0 ? -1 : moved[parents[node]];
    const folded =
      modes[frame] === "fold" && above >= 0 && frames[table.nodeFrames[above]].module === frames[frame].module;
    const running = recursion ? table.nearest(above, frame) : -1;
    if (modes[frame] === "hide" || folded) moved[node] = above;
    else moved[node] = running >= 0 ? running : table.child(above, frame);
  }
  return table.finished(moved);
}

/** Return what a function calls: its outermost calls are the root. */
export function calleesOf(stacks, frame, frameCount) {
  const { parents, nodeFrames } = stacks;
  const table = new StackTable(frameCount);
  const moved = new Int32Array(parents.length);
  for (let node = 0; node < parents.length; node++) {
    const above = parents[node] < 0 ? OUTSIDE : moved[parents[node]];
    if (above === OUTSIDE) moved[node] = nodeFrames[node] === frame ? -1 : OUTSIDE;
    else moved[node] = table.child(above, nodeFrames[node]);
  }
  return table.finished(moved);
}

/** Return who calls a function, its own callers first, and as `nodes` and `weights` how much came through each way. */
export function callersOf(stacks, frame, totals, frameCount) {
  const { parents, nodeFrames } = stacks;
  const table = new StackTable(frameCount);
  const within = new Uint8Array(parents.length);
  const nodes = [];
  const weights = [];
  for (let node = 0; node < parents.length; node++) {
    const above = parents[node];
    const inside = above >= 0 && within[above];
    within[node] = inside || nodeFrames[node] === frame ? 1 : 0;
    if (inside || nodeFrames[node] !== frame || !(totals[node] > 0)) continue;
    let way = -1;
    for (let caller = above; caller >= 0; caller = parents[caller]) way = table.child(way, nodeFrames[caller]);
    nodes.push(way);
    weights.push(totals[node]);
  }
  return { ...table.finished(null), nodes, weights };
}

/** Return a lane's runs on stacks that were made from others; what is outside them is left out. */
export function movedLane(lane, stacks) {
  if (!stacks.moved) return lane;
  const nodes = [];
  const weights = [];
  for (let run = 0; run < lane.nodes.length; run++) {
    const node = lane.nodes[run] < 0 ? lane.nodes[run] : stacks.moved[lane.nodes[run]];
    if (node === OUTSIDE) continue;
    nodes.push(node);
    weights.push(lane.weights[run]);
  }
  return { ...lane, nodes: Int32Array.from(nodes), weights: Float64Array.from(weights), total: sum(weights) };
}

function sum(weights) {
  return weights.reduce((whole, weight) => whole + weight, 0);
}
