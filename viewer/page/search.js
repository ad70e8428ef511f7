// Which frames a search matches, and the share of the time under them.

/** Return a test of names for a query: plain text in any case, or /a regular expression/. Null when empty. */
export function matcher(query) {
  if (!query) return null;
  const pattern = /^\/(.+)\/?$/.exec(query);
  if (pattern) {
    try {
      const expression = new RegExp(pattern[1].replace(/\/$/, ""), "i");
      return (text) => expression.test(text);
    } catch {
      return () => false;
    }
  }
  const wanted = query.toLowerCase();
  return (text) => text.toLowerCase().includes(wanted);
}

/** Return one byte for each frame, 1 where its name, location or module matches; null for no query. */
export function matchFrames(frames, modules, query) {
  const matches = matcher(query);
  if (!matches) return null;
  return Uint8Array.from(frames, (frame) =>
    Number(matches(frame.name) || matches(frame.location) || matches(modules[frame.module].name)),
  );
}

/** Return {total, boxes}: the weight under matched boxes, a match inside a match counted once. */
export function matchedWeight(layout, matched) {
  let total = 0;
  let boxes = 0;
  let box = 1;
  while (box < layout.count) {
    if (matched[layout.frame[box]]) {
      total += layout.total[box];
      boxes++;
      box = layout.end[box];
    } else {
      box++;
    }
  }
  return { total, boxes };
}
