// Self and total of every function, over all its boxes.

/** Return [{frame, self, total, count}], the largest self first; a recursive call is not counted twice. */
export function functionTotals(layout, frameCount) {
  const self = new Float64Array(frameCount);
  const total = new Float64Array(frameCount);
  const count = new Int32Array(frameCount);
  const active = new Int32Array(frameCount);
  const open = [];
  for (let box = 1; box < layout.count; box++) {
    while (open.length && layout.end[open[open.length - 1]] <= box) active[layout.frame[open.pop()]]--;
    const frame = layout.frame[box];
    self[frame] += layout.self[box];
    count[frame]++;
    if (active[frame]++ === 0) total[frame] += layout.total[box];
    open.push(box);
  }
  const rows = [];
  for (let frame = 0; frame < frameCount; frame++) {
    if (count[frame]) rows.push({ frame, self: self[frame], total: total[frame], count: count[frame] });
  }
  return rows.sort((one, other) => other.self - one.self || other.total - one.total);
}

/** Return the same rows sorted by a column: "self", "total", or a text key of each row. */
export function sortedRows(rows, key, descending) {
  const sign = descending ? -1 : 1;
  return rows.slice().sort((one, other) => {
    const [left, right] = [key(one), key(other)];
    if (left === right) return one.frame - other.frame;
    return left < right ? -sign : sign;
  });
}
