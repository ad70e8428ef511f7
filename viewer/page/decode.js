// From the page's JSON to typed arrays. Stacks stand in one table: node → (parent, frame), parents first.

/** Inflate the large arrays of a document, wherever they stand; `decodeProfile` takes what this leaves. */
export async function inflated(document) {
  const waiting = [];
  const visit = (holder) => {
    for (const [key, value] of Object.entries(holder)) {
      if (typeof value === "string" && value.startsWith("deflate:")) {
        waiting.push(inflate(value).then((array) => (holder[key] = array)));
      } else if (value !== null && typeof value === "object") {
        visit(value);
      }
    }
  };
  visit({ nodes: document.nodes, lanes: document.lanes });
  await Promise.all(waiting);
  return document;
}

async function inflate(text) {
  const [, int32, base64] = /^deflate:(int32:)?(.*)$/.exec(text);
  const stream = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(stream).arrayBuffer();
  return int32 ? Float64Array.from(new Int32Array(buffer)) : buffer;
}

function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}

/** Return a typed array of the given kind from base64, or from what `inflated` has made of it. */
export function decodeArray(data, Kind) {
  if (data instanceof Kind) return data;
  return new Kind(typeof data === "string" ? bytesOf(data).buffer : data);
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
