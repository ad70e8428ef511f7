// What stands above the picture: the title, the facts, and the lanes to choose from.

import { formatShare, formatWeight, printable } from "./format.js";

/** Fill the page's header and its list of lanes. `$` finds elements by id. */
export function showHeader($, profile) {
  document.title = printable(profile.title);
  $("title").textContent = printable(profile.title);
  $("approximate").hidden = !profile.approximate;
  for (const [label, text] of Object.entries(profile.facts)) {
    const entry = document.createElement("div");
    entry.append(Object.assign(document.createElement("dt"), { textContent: printable(label) }));
    entry.append(Object.assign(document.createElement("dd"), { textContent: printable(text) }));
    $("facts").append(entry);
  }
  profile.lanes.forEach((lane, index) => $("lane").append(new Option(laneLabel(lane, profile.lanes), String(index))));
}

/** A lane's name, its total, and its share where several lanes share a unit. */
function laneLabel(lane, lanes) {
  const peers = lanes.filter((other) => other.unit === lane.unit && !other.threads);
  const whole = peers.reduce((sum, peer) => sum + peer.total, 0);
  const label = `${printable(lane.name)} · ${formatWeight(lane.total, lane.unit)}`;
  return peers.length > 1 && !lane.threads && lane.unit === "nanoseconds"
    ? `${label} · ${formatShare(lane.total, whole)}`
    : label;
}
