// The call tree upside down: where the time itself went, and below each function who called it.

import { Boxes, finished } from "./boxes.js";
import { selfWeights } from "./layout.js";

// Ways thinner than this share of the whole are not followed: at no zoom do they add up to a picture.
const THINNEST = 1e-5;

/** Return the inverted layout: functions by self weight, their callers below them. */
export function invertedLayout(stacks, lane, frameCount) {
  const { self, rootSelf } = selfWeights(stacks, lane);
  const grouping = new Grouping(stacks, frameCount);
  const least = lane.total * THINNEST;
  const boxes = new Boxes(1024);
  const root = boxes.add(-1, 0, -1, 0);
  boxes.total[root] = lane.total;
  boxes.self[root] = rootSelf;
  const nodes = [];
  for (let node = 0; node < self.length; node++) if (self[node] > 0) nodes.push(node);
  const open = [{ box: root, groups: grouping.byFrame(nodes, (place) => self[nodes[place]]), next: 0, start: 0 }];
  while (open.length) {
    const top = open[open.length - 1];
    const group = top.groups[top.next++];
    if (!group || group.weight < least) {
      boxes.end[top.box] = boxes.count;
      open.pop();
      continue;
    }
    const box = boxes.add(group.frame, open.length, top.box, top.start);
    boxes.total[box] = group.weight;
    const callers = grouping.callers(group);
    boxes.self[box] = callers.ended;
    const groups = grouping.byFrame(callers.nodes, (place) => callers.weights[place]);
    open.push({ box, groups, next: 0, start: top.start });
    top.start += group.weight;
  }
  return Object.assign(finished(boxes), { inverted: true });
}

/** Groups nodes by their frames, and leads from a group to its callers; a node that comes twice is added up. */
class Grouping {
  constructor({ parents, nodeFrames }, frameCount) {
    this.parents = parents;
    this.nodeFrames = nodeFrames;
    this.placeOfFrame = new Int32Array(frameCount).fill(-1);
    this.placeOfNode = new Int32Array(parents.length).fill(-1);
  }

  /** Return [{frame, weight, nodes, weights}], the largest first. */
  byFrame(nodes, weightAt) {
    const groups = [];
    nodes.forEach((node, place) => {
      const frame = this.nodeFrames[node];
      if (this.placeOfFrame[frame] < 0) {
        this.placeOfFrame[frame] = groups.push({ frame, weight: 0, nodes: [], weights: [] }) - 1;
      }
      const group = groups[this.placeOfFrame[frame]];
      const weight = weightAt(place);
      group.weight += weight;
      group.nodes.push(node);
      group.weights.push(weight);
    });
    for (const { frame } of groups) this.placeOfFrame[frame] = -1;
    return groups.sort((one, other) => other.weight - one.weight);
  }

  /** Return {nodes, weights, ended}: the callers of a group's nodes, and the weight of those that have none. */
  callers(group) {
    const nodes = [];
    const weights = [];
    let ended = 0;
    group.nodes.forEach((node, place) => {
      const caller = this.parents[node];
      if (caller < 0) {
        ended += group.weights[place];
        return;
      }
      if (this.placeOfNode[caller] < 0) {
        this.placeOfNode[caller] = nodes.push(caller) - 1;
        weights.push(0);
      }
      weights[this.placeOfNode[caller]] += group.weights[place];
    });
    for (const node of nodes) this.placeOfNode[node] = -1;
    return { nodes, weights, ended };
  }
}
