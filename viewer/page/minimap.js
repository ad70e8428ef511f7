// The whole picture, small: where the view is, and a way to move it.

import { depthOfRow, firstEndingAfter } from "./boxes.js";
import { Strip } from "./strip.js";

export const MINIMAP_PX = 34;
const LEAST_WINDOW_PX = 3;

/** A small picture of a FlameView's layout. Dragging over it moves the view, through `onLook(from, to)`. */
export class Minimap {
  constructor(canvas, flame, onLook) {
    Object.assign(this, { canvas, flame, onLook, context: canvas.getContext("2d"), picture: null });
    this.grip = null;
    canvas.addEventListener("pointerdown", (event) => this.grab(event));
    canvas.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (this.grip = null));
  }

  /** Draw the whole anew with the next picture: the layout, the colours or the width are others. */
  redraw() {
    this.picture = null;
    this.flame.request();
  }

  paint() {
    const { flame, canvas } = this;
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.round(flame.width * ratio);
    canvas.height = Math.round(MINIMAP_PX * ratio);
    this.picture = new OffscreenCanvas(canvas.width, canvas.height);
    const context = this.picture.getContext("2d");
    context.scale(ratio, ratio);
    const rows = flame.layout.depthCount;
    const step = Math.max(1, Math.ceil(rows / MINIMAP_PX));
    const height = Math.min(5, MINIMAP_PX / Math.ceil(rows / step));
    for (let row = 0, y = 0; row < rows; row += step, y += height) {
      const depth = depthOfRow(flame.layout, row);
      this.paintRow(context, depth, flame.flame ? MINIMAP_PX - y - height : y, height);
    }
  }

  paintRow(context, depth, y, height) {
    const { layout, colours, frames, width, matched, ink } = this.flame;
    const scale = width / (layout.total[0] || 1);
    const end = layout.rowStart[depth + 1];
    const strip = new Strip(context, y, height);
    let place = layout.rowStart[depth];
    while (place < end) {
      const box = layout.rows[place];
      const pixel = Math.floor(layout.start[box] * scale);
      const right = Math.max(pixel + 1, Math.floor((layout.start[box] + layout.total[box]) * scale));
      const frame = frames[layout.frame[box]];
      const shades = frame ? colours[frame.module] : { fill: ink.line, faded: ink.line };
      strip.add(pixel, right, matched && !matched[layout.frame[box]] ? shades.faded : shades.fill);
      place = Math.max(place + 1, firstEndingAfter(layout, depth, right / scale));
    }
    strip.end();
  }

  /** Draw the window over the picture. */
  show() {
    if (!this.picture) this.paint();
    const { context, canvas, flame, picture } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(picture, 0, 0);
    if (flame.from <= 0 && flame.to >= (flame.layout.total[0] || 1)) return;
    const ratio = devicePixelRatio || 1;
    const scale = canvas.width / (flame.layout.total[0] || 1);
    const width = Math.max(LEAST_WINDOW_PX * ratio, (flame.to - flame.from) * scale);
    const left = Math.min(flame.from * scale, canvas.width - width);
    context.fillStyle = flame.ink.veil;
    context.fillRect(0, 0, left, canvas.height);
    context.fillRect(left + width, 0, canvas.width, canvas.height);
    context.strokeStyle = flame.ink.accent;
    context.lineWidth = 2 * ratio;
    context.strokeRect(left + ratio, ratio, width - 2 * ratio, canvas.height - 2 * ratio);
  }

  at(event) {
    return (event.offsetX / this.flame.width) * (this.flame.layout.total[0] || 1);
  }

  grab(event) {
    const { from, to } = this.flame;
    this.canvas.setPointerCapture(event.pointerId);
    const at = this.at(event);
    // Inside the window it is moved; outside a new one is drawn.
    const whole = from <= 0 && to >= this.flame.layout.total[0];
    this.grip = !whole && at >= from && at <= to ? { offset: at - from } : { begun: at };
    if (this.grip.begun === undefined) this.canvas.style.cursor = "grabbing";
  }

  drag(event) {
    if (!this.grip) return;
    const at = this.at(event);
    const { from, to } = this.flame;
    if (this.grip.begun === undefined) {
      const begin = at - this.grip.offset;
      this.onLook(begin, begin + to - from);
    } else {
      const [left, right] = [this.grip.begun, at].sort((one, other) => one - other);
      this.onLook(left, right);
    }
  }
}
