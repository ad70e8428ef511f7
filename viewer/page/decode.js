// From the page's JSON to typed arrays. Stacks stand in one table: node → (parent, frame), parents first.

/** Decode base64 into a typed array of the given kind. */
export function decodeArray(text, Kind) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
  return new Kind(bytes.buffer);
}

/** Turn the page's document into its profile: typed arrays for nodes and runs, objects for frames. */
export function decodeProfile(document) {
  const lanes = document.lanes.map((lane) => ({
    name: lane.name,
    unit: lane.unit,
    ordered: lane.ordered,
    start: lane.start,
    nodes: decodeArray(lane.nodes, Int32Array),
    weights: decodeArray(lane.weights, Float64Array),
    waiting: lane.waiting ? decodeArray(lane.waiting, Float64Array) : null,
  }));
  for (const lane of lanes) lane.total = lane.weights.reduce((sum, weight) => sum + weight, 0);
  const parents = decodeArray(document.nodes.parent, Int32Array);
  const parked = new Uint8Array(parents.length);
  for (const node of document.parked) parked[node] = 1;
  return {
    title: document.title,
    facts: document.facts,
    approximate: document.approximate,
    frames: document.frames.map(([name, location, module]) => ({ name, location, module })),
    modules: document.modules,
    links: document.links,
    sources: document.sources,
    tracks: document.tracks,
    marks: document.marks,
    parents,
    nodeFrames: decodeArray(document.nodes.frame, Int32Array),
    parked,
    lanes: withAllThreads(lanes),
  };
}

/** Add a lane that stands for every thread's time together, where there is more than one thread. */
function withAllThreads(lanes) {
  const threads = [...lanes.keys()].filter((index) => lanes[index].unit === "nanoseconds");
  if (threads.length < 2) return lanes;
  const all = {
    name: "All threads",
    unit: "nanoseconds",
    ordered: threads.every((index) => lanes[index].ordered),
    threads,
    start: 0,
    waiting: threads.every((index) => lanes[index].waiting) ? [] : null,
    total: threads.reduce((sum, index) => sum + lanes[index].total, 0),
  };
  return [...lanes, all];
}
