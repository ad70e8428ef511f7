// What a view of boxes looks like on its canvas: row by row, only what can be seen.

import { AXIS_PX, paintAxis } from "./axis.js";
import { depthOfRow, firstEndingAfter } from "./boxes.js";
import { formatWeight, printable } from "./format.js";
import { isWithin } from "./navigate.js";
import { Strip } from "./strip.js";
import { titleOf } from "./threads.js";

export const ROW_PX = 21;
const LEAST_TEXT_PX = 34;
const TEXT_INSET_PX = 5;
// How many boxes of one pixel are asked whether they match the search.
const MOST_ASKED = 16;

/** Draw a FlameView: rows, axis, and the frames around what is pointed at and what has the focus. */
export function paint(view) {
  const { context, layout } = view;
  view.ink = inks(view.scroller);
  context.clearRect(0, 0, view.width, view.visible);
  context.font = `12px ${view.ink.font}`;
  context.textBaseline = "middle";
  const [first, last] = view.visibleRows();
  for (let row = first; row <= last; row++) paintRow(view, depthOfRow(layout, row));
  if (view.hovered >= 0) paintOutline(view, view.hovered, 1);
  // The lane itself is where the keyboard starts; a frame around everything would say nothing.
  if (view.focused > 0 || document.activeElement === view.scroller) paintOutline(view, view.focused, 2);
  if (layout.ordered) paintAxis(context, view.width, view.from, view.to, view.ink);
}

function inks(element) {
  const style = getComputedStyle(element);
  const ink = (name) => style.getPropertyValue(`--${name}`);
  return {
    font: style.fontFamily,
    panel: ink("panel"),
    text: ink("ink"),
    soft: ink("soft"),
    line: ink("line"),
    tiny: ink("tiny"),
    accent: ink("accent"),
    veil: ink("veil"),
    curve: ink("curve"),
    mark: ink("mark"),
  };
}

function paintRow(view, depth) {
  const { layout, from, to, scale } = view;
  const y = view.top(depth);
  const end = layout.rowStart[depth + 1];
  const thin = new Strip(view.context, y, ROW_PX - 1);
  let place = firstEndingAfter(layout, depth, from);
  while (place < end) {
    const box = layout.rows[place];
    if (layout.start[box] >= to) break;
    const x = (layout.start[box] - from) * scale;
    const width = layout.total[box] * scale;
    if (width >= 1) {
      const left = Math.max(0, x);
      paintBox(view, box, left, Math.min(view.width, x + width) - left, y);
      place++;
    } else {
      // What is thinner than a pixel is shown together, and passed over by bisection, not one by one.
      const pixel = Math.floor(x);
      const next = Math.max(place + 1, firstEndingAfter(layout, depth, from + (pixel + 1) / scale));
      thin.add(pixel, pixel + 1, thinColour(view, place, next));
      place = next;
    }
  }
  thin.end();
}

/** The colour of one pixel's column for the boxes at `place` to `next` of a row. */
function thinColour(view, place, next) {
  const { layout, matched } = view;
  for (let at = place; matched && at < Math.min(next, place + MOST_ASKED); at++) {
    const frame = layout.frame[layout.rows[at]];
    if (matched[frame]) return view.colours[view.frames[frame].module].fill;
  }
  return view.ink.tiny;
}

function paintBox(view, box, x, width, y) {
  const { context, layout, ink } = view;
  const index = layout.frame[box];
  const frame = view.frames[index];
  const colours = frame ? view.colours[frame.module] : { fills: [ink.line], text: ink.text };
  const missed = view.matched !== null && !view.matched[index];
  const faded = frame && (missed || (box !== view.zoomed && isWithin(layout, view.zoomed, box)));
  context.fillStyle = faded ? colours.faded : colours.fills[index % colours.fills.length] ?? colours.fills[0];
  context.fillRect(x, y, Math.max(width - 1, 0.6), ROW_PX - 1);
  if (width < LEAST_TEXT_PX) return;
  context.fillStyle = faded ? colours.fadedText : colours.text;
  const text = frame ? frame.name : titleOf(layout, box) || `All · ${formatWeight(layout.total[0], view.unit)}`;
  context.fillText(fitted(context, printable(text), width - 2 * TEXT_INSET_PX), x + TEXT_INSET_PX, y + ROW_PX / 2);
}

/** Cut a text to a width, from its end. */
function fitted(context, text, width) {
  // Hardly a letter is wider than 8 px: the measure is asked only near the limit.
  if (text.length * 8 < width || context.measureText(text).width <= width) return text;
  let low = 0;
  let high = Math.min(text.length, Math.ceil(width / 3));
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(`${text.slice(0, middle)}…`).width <= width) low = middle;
    else high = middle - 1;
  }
  return low > 0 ? `${text.slice(0, low)}…` : "";
}

function paintOutline(view, box, thickness) {
  const { layout, context } = view;
  const x = (layout.start[box] - view.from) * view.scale;
  const left = Math.max(0, x);
  const width = Math.min(view.width, x + layout.total[box] * view.scale) - left;
  if (width <= 0) return;
  const y = view.top(layout.depth[box]);
  const frame = (inset, line, colour) => {
    context.strokeStyle = colour;
    context.lineWidth = line;
    const edge = inset + line / 2;
    context.strokeRect(left + edge, y + edge, Math.max(width - 1 - 2 * edge, 1), ROW_PX - 1 - 2 * edge);
  };
  frame(0, thickness, view.ink.text);
  if (thickness > 1 && width > 8) frame(thickness, 1, view.ink.panel);
}

/** The height that a layout needs. */
export function pictureHeight(layout) {
  return layout.depthCount * ROW_PX + axisHeight(layout);
}

/** The height of a layout's axis. */
export function axisHeight(layout) {
  return layout.ordered ? AXIS_PX : 0;
}
