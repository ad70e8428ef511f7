// From the page's JSON to typed arrays. Stacks stand in one table: node → (parent, frame), parents first.

/** Decode base64 into a typed array of the given kind. */
export function decodeArray(text, Kind) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
  return new Kind(bytes.buffer);
}

/** Turn the page's document into {title, facts, approximate, frames, modules, parents, nodeFrames, lanes}. */
export function decodeProfile(document) {
  const lanes = document.lanes.map((lane) => ({
    name: lane.name,
    unit: lane.unit,
    ordered: lane.ordered,
    nodes: decodeArray(lane.nodes, Int32Array),
    weights: decodeArray(lane.weights, Float64Array),
  }));
  for (const lane of lanes) lane.total = lane.weights.reduce((sum, weight) => sum + weight, 0);
  return {
    title: document.title,
    facts: document.facts,
    approximate: document.approximate,
    frames: document.frames.map(([name, location, module]) => ({ name, location, module })),
    modules: document.modules,
    parents: decodeArray(document.nodes.parent, Int32Array),
    nodeFrames: decodeArray(document.nodes.frame, Int32Array),
    lanes: withAllThreads(lanes),
  };
}

/** Add a lane that holds every thread's time together, where there is more than one thread. */
function withAllThreads(lanes) {
  const threads = lanes.filter((lane) => lane.unit === "nanoseconds");
  if (threads.length < 2) return lanes;
  const length = threads.reduce((sum, lane) => sum + lane.nodes.length, 0);
  const all = {
    name: "All threads",
    unit: "nanoseconds",
    ordered: false,
    merged: true,
    nodes: new Int32Array(length),
    weights: new Float64Array(length),
    total: threads.reduce((sum, lane) => sum + lane.total, 0),
  };
  let offset = 0;
  for (const lane of threads) {
    all.nodes.set(lane.nodes, offset);
    all.weights.set(lane.weights, offset);
    offset += lane.nodes.length;
  }
  return [...lanes, all];
}
