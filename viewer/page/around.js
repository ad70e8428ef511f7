// One function between its callers, above, and its callees, below: both in the sum over all its calls.

import { Boxes, finished } from "./boxes.js";
import { mergedLayout, totalWeights } from "./layout.js";
import { calleesOf, callersOf, movedLane } from "./reshape.js";

/** Return the layout around a function. Box 0 is the function; callers stand at depths beyond the deepest callee. */
export function aroundLayout(stacks, lane, frame, frameCount) {
  const below = calleesOf(stacks, frame, frameCount);
  // What is no stack at all is in no function.
  const callees = mergedLayout(below, movedLane(withoutRoot(lane), below));
  const above = callersOf(stacks, frame, totalWeights(stacks, lane), frameCount);
  const callers = mergedLayout(above, { nodes: above.nodes, weights: above.weights, total: callees.total[0] });

  const boxes = new Boxes(callees.count + callers.count);
  boxes.append(callees, { parent: -1, depth: 0, start: 0, withRoot: true });
  const firstCaller = boxes.count;
  const deepest = callees.depthCount - 1;
  boxes.append(callers, { parent: 0, depth: deepest, start: 0, withRoot: false });
  boxes.frame[0] = frame;
  boxes.end[0] = boxes.count;
  return Object.assign(finished(boxes), { above: callers.depthCount - 1, below: deepest, firstCaller });
}

function withoutRoot(lane) {
  const nodes = [];
  const weights = [];
  for (let run = 0; run < lane.nodes.length; run++) {
    if (lane.nodes[run] < 0) continue;
    nodes.push(lane.nodes[run]);
    weights.push(lane.weights[run]);
  }
  return { ...lane, nodes, weights };
}
