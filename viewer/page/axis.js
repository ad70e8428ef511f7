// The time axis above the picture.

import { formatTick, tickStep } from "./format.js";

export const AXIS_PX = 22;
const TICK_EVERY_PX = 110;

/** Draw ticks from `from` to `to` (nanoseconds) over a width in pixels. `ink` gives panel, soft and line. */
export function paintAxis(context, width, from, to, ink) {
  context.fillStyle = ink.panel;
  context.fillRect(0, 0, width, AXIS_PX);
  const step = tickStep(to - from, width / TICK_EVERY_PX);
  context.fillStyle = ink.soft;
  context.strokeStyle = ink.line;
  context.lineWidth = 1;
  context.beginPath();
  // Counted in whole steps: added up, they would drift.
  for (let tick = Math.ceil(from / step); tick * step <= to; tick++) {
    const x = Math.round(((tick * step - from) * width) / (to - from)) + 0.5;
    const text = formatTick(tick * step, step, to);
    context.moveTo(x, 4);
    context.lineTo(x, AXIS_PX);
    if (x + 5 + context.measureText(text).width < width) context.fillText(text, x + 5, AXIS_PX / 2);
  }
  context.stroke();
}
