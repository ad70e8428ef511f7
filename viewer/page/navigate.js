// From box to box by keyboard.

/** Return the first child of a box, or the box itself where it has none. */
export function childOf(layout, box) {
  const end = box === 0 ? layout.firstCaller : layout.end[box];
  return box + 1 < end ? box + 1 : box;
}

/** Return the box one row further down, or up: among callers, who stand on their heads, a parent lies below. */
export function verticalOf(layout, box, down) {
  if (box === 0 && !down && layout.above) return layout.firstCaller;
  return box >= layout.firstCaller !== down ? childOf(layout, box) : parentOf(layout, box);
}

/** Return the parent of a box, or the box itself at the root. */
export function parentOf(layout, box) {
  return layout.parent[box] >= 0 ? layout.parent[box] : box;
}

/** Return the neighbour of a box in its row, `step` places away, staying below `top`. */
export function neighbourOf(layout, box, step, top) {
  const place = layout.rank[box] + step;
  const depth = layout.depth[box];
  if (place < layout.rowStart[depth] || place >= layout.rowStart[depth + 1]) return box;
  const next = layout.rows[place];
  return isWithin(layout, next, top) ? next : box;
}

/** Return whether a box is `top` or stands somewhere below it. */
export function isWithin(layout, box, top) {
  return box >= top && box < layout.end[top];
}

/** Return the deepest of a box and its ancestors that spans from `from` to `to`. */
export function ancestorSpanning(layout, box, from, to) {
  let at = box;
  while (at > 0 && (layout.start[at] > from || layout.start[at] + layout.total[at] < to)) at = layout.parent[at];
  return at;
}

/** Return the boxes from the root to a box. */
export function pathTo(layout, box) {
  const path = [];
  for (let at = box; at >= 0; at = layout.parent[at]) path.push(at);
  return path.reverse();
}
