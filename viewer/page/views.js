// From a profile and a person's wishes to what is drawn: which runs, on which stacks, laid out how.

import { aroundLayout } from "./around.js";
import { functionTotals } from "./functions.js";
import { invertedLayout } from "./inverted.js";
import { mergedLayout, orderedLayout } from "./layout.js";
import { movedLane, reshaped } from "./reshape.js";
import { threadsLayout } from "./threads.js";

const MOST_KEPT = 8;

/** Makes views of one profile; the last few are kept, for going back and forth. */
export class Views {
  constructor(profile) {
    this.profile = profile;
    this.kept = new Map();
  }

  /** Return {layout, lane, totals, omitted} for a state.
   *
   * `lane` holds the runs that count, `totals` each function's, whatever the layout; `omitted` is the time of
   * threads that waited for work.
   */
  of(state) {
    const { lane, groups, recursion, cpu, parked } = state;
    const base = JSON.stringify([lane, groups, recursion, cpu, parked]);
    const stacks = this.once(`stacks ${JSON.stringify([groups, recursion])}`, () =>
      reshaped(this.profile, groups, recursion),
    );
    const runs = this.once(`runs ${base}`, () => this.runs(this.profile.lanes[lane], state, stacks));
    const subject = state.view === "around" ? state.subject : -1;
    const layout = this.once(`layout ${base} ${state.view} ${subject}`, () => this.layout(state, stacks, runs));
    const tree =
      state.view === "merged" || (state.view === "order" && !runs.threads)
        ? layout
        : this.once(`layout ${base} merged -1`, () => mergedLayout(stacks, runs));
    const totals = this.once(`totals ${base} ${tree.ordered}`, () => functionTotals(tree, this.profile.frames.length));
    return { layout, tree, totals, lane: runs, omitted: runs.omitted };
  }

  once(key, make) {
    const value = this.kept.get(key) ?? make();
    this.kept.delete(key);
    this.kept.set(key, value);
    if (this.kept.size > 3 * MOST_KEPT) this.kept.delete(this.kept.keys().next().value);
    return value;
  }

  layout(state, stacks, runs) {
    const count = this.profile.frames.length;
    if (state.view === "around") return aroundLayout(stacks, runs, state.subject, count);
    if (state.view === "inverted") return invertedLayout(stacks, runs, count);
    if (state.view === "merged") return mergedLayout(stacks, runs);
    return runs.threads ? threadsLayout(stacks, runs.threads) : orderedLayout(stacks, runs);
  }

  /** Return a lane's runs on the stacks, without what a person does not want to be counted. */
  runs(lane, { cpu, parked }, stacks) {
    if (!lane.threads) return { ...movedLane(weighted(lane, cpu), stacks), omitted: 0 };
    const parts = lane.threads.map((index) => this.profile.lanes[index]);
    const shown = parts.map((part) => (parked ? weighted(part, cpu) : withoutParked(weighted(part, cpu), this.profile)));
    const all = joined(shown);
    return {
      ...movedLane({ ...lane, ...all }, stacks),
      threads: lane.ordered ? shown.map((part) => movedLane(part, stacks)) : null,
      omitted: shown.reduce((sum, part) => sum + (part.omitted ?? 0), 0),
    };
  }
}

/** Return a lane with the time that its thread was running in place of the time that passed. */
function weighted(lane, cpu) {
  if (!cpu || !lane.waiting) return lane;
  const weights = lane.weights.map((weight, run) => Math.max(0, weight - lane.waiting[run]));
  return { ...lane, weights, total: weights.reduce((sum, weight) => sum + weight, 0) };
}

/** Return a lane in whose time order nothing stands where its thread waited for work. */
function withoutParked(lane, profile) {
  const nodes = lane.nodes.slice();
  let omitted = 0;
  for (let run = 0; run < nodes.length; run++) {
    if (nodes[run] < 0 || !profile.parked[nodes[run]]) continue;
    omitted += lane.weights[run];
    nodes[run] = -1;
  }
  return omitted ? { ...lane, nodes, omitted } : lane;
}

/** Return the runs of several lanes as one without order; what was left out of a lane does not count. */
function joined(lanes) {
  const length = lanes.reduce((sum, lane) => sum + lane.nodes.length, 0);
  const nodes = new Int32Array(length);
  const weights = new Float64Array(length);
  let used = 0;
  let total = 0;
  for (const lane of lanes) {
    for (let run = 0; run < lane.nodes.length; run++) {
      if (lane.omitted && lane.nodes[run] < 0) continue;
      nodes[used] = lane.nodes[run];
      total += weights[used++] = lane.weights[run];
    }
  }
  return { nodes: nodes.subarray(0, used), weights: weights.subarray(0, used), total };
}
