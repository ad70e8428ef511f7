// Which frames a search matches, where the next match is, and the share of the time under them all.

/** Return a test of frames for a query; null for none.
 *
 * Plain text in any case is sought in name, location and module, as is /a regular expression/.
 * "a name in quotes" is that function alone, module:name that module alone.
 */
export function matcher(query) {
  if (!query) return null;
  const module = /^module:(.+)$/.exec(query);
  if (module) return (frame) => frame.module === module[1];
  const exact = /^"(.+)"$/s.exec(query);
  if (exact) return (frame) => frame.name === exact[1];
  const matches = textMatcher(query);
  return (frame) => matches(frame.name) || matches(frame.location) || matches(frame.module);
}

function textMatcher(query) {
  const pattern = /^\/(.+?)\/?$/.exec(query);
  if (!pattern) {
    const wanted = query.toLowerCase();
    return (text) => text.toLowerCase().includes(wanted);
  }
  try {
    const expression = new RegExp(pattern[1], "i");
    return (text) => expression.test(text);
  } catch {
    return () => false; // somebody is still typing it
  }
}

/** Return one byte for each frame, 1 where it matches; null for no query. */
export function matchFrames(frames, modules, query) {
  const matches = matcher(query);
  if (!matches) return null;
  return Uint8Array.from(frames, ({ name, location, module }) =>
    Number(matches({ name, location, module: modules[module].name })),
  );
}

/** Return {total, boxes}: the weight under matched boxes, a match inside a match counted once, callers not at all. */
export function matchedWeight(layout, matched) {
  let total = 0;
  let boxes = 0;
  let box = 0;
  while (box < layout.firstCaller) {
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

/** Return the next matched box after `box` in preorder, or before it for a step of -1; `box` where none is. */
export function nextMatch(layout, matched, box, step) {
  const count = layout.count;
  for (let tried = 1; tried <= count; tried++) {
    const next = (((box + step * tried) % count) + count) % count;
    if (matched[layout.frame[next]]) return next;
  }
  return box;
}
