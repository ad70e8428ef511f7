// The picture: a layout's boxes on a canvas, row by row, only what can be seen.

import { boxAt, firstEndingAfter } from "./layout.js";
import { formatWeight, printable, tickStep } from "./format.js";

const ROW_PX = 21;
const AXIS_PX = 22;
const LEAST_TEXT_PX = 34;
const MOVE_MS = 140;

/** Draws one layout and answers which box lies under a point. */
export class FlameView {
  /** `frames` gives names and modules; `scroller` is the element that scrolls, with the canvas stuck in it. */
  constructor(canvas, scroller, spacer) {
    this.canvas = canvas;
    this.scroller = scroller;
    this.spacer = spacer;
    this.context = canvas.getContext("2d");
    this.layout = null;
    this.zoomed = 0;
    this.focused = 0;
    this.hovered = -1;
    this.flame = false;
    this.matched = null;
    this.from = 0;
    this.to = 1;
    this.requested = 0;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
  }

  /** Show a layout. `profile` gives the frames, `colours` one entry for each module. */
  show(layout, profile, unit, colours) {
    Object.assign(this, { layout, frames: profile.frames, unit, colours, zoomed: 0, focused: 0, hovered: -1 });
    this.turn = null; // a zoom that is still moving belongs to the layout before
    this.from = 0;
    this.to = layout.total[0] || 1;
    this.resize();
  }

  /** Make a box fill the width. */
  zoom(box, moving = true) {
    this.zoomed = box;
    this.focused = box;
    const target = [this.layout.start[box], this.layout.start[box] + (this.layout.total[box] || 1)];
    if (!moving || this.still.matches) {
      [this.from, this.to] = target;
      this.draw();
    } else {
      this.move(target);
    }
    this.reveal(box);
  }

  move(target) {
    const origin = [this.from, this.to];
    const begun = performance.now();
    const turn = (this.turn = {});
    const step = (now) => {
      if (this.turn !== turn) return;
      const share = Math.min(1, Math.max(0, (now - begun) / MOVE_MS));
      const eased = 1 - (1 - share) ** 3;
      this.from = origin[0] + (target[0] - origin[0]) * eased;
      this.to = origin[1] + (target[1] - origin[1]) * eased;
      if (share === 1) [this.from, this.to] = target;
      this.draw();
      if (share < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  /** Take the size that the page gives, at the screen's own resolution. */
  resize() {
    if (!this.layout) return;
    const ratio = devicePixelRatio || 1;
    this.height = this.layout.depthCount * ROW_PX + (this.layout.ordered ? AXIS_PX : 0);
    this.spacer.style.height = `${this.height}px`;
    this.width = this.scroller.clientWidth;
    this.visible = Math.min(this.scroller.clientHeight, this.height);
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(this.visible * ratio);
    this.canvas.style.width = `${this.width}px`;
    this.canvas.style.height = `${this.visible}px`;
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.draw();
  }

  /** Draw before the next frame, once however often it is asked. */
  request() {
    if (this.requested) return;
    this.requested = requestAnimationFrame(() => {
      this.requested = 0;
      this.draw();
    });
  }

  draw() {
    const { layout, context } = this;
    if (!layout) return;
    const style = getComputedStyle(this.scroller);
    this.ink = { text: style.color, line: style.borderTopColor, focus: style.outlineColor, tiny: style.caretColor };
    context.clearRect(0, 0, this.width, this.visible);
    context.font = `12px ${style.fontFamily}`;
    context.textBaseline = "middle";
    this.scale = this.width / (this.to - this.from);
    const [first, last] = this.visibleDepths();
    for (let depth = first; depth <= last; depth++) this.drawRow(depth);
    if (layout.ordered) this.drawAxis();
    this.outline(this.hovered, 1);
    // The lane itself is where the keyboard starts; a frame around everything would say nothing.
    if (this.focused > 0 || document.activeElement === this.scroller) this.outline(this.focused, 2);
  }

  visibleDepths() {
    const rows = this.layout.depthCount;
    const axis = this.axis();
    const top = Math.floor((this.scroller.scrollTop - axis) / ROW_PX);
    const bottom = Math.ceil((this.scroller.scrollTop - axis + this.visible) / ROW_PX);
    const clamp = (row) => Math.max(0, Math.min(rows - 1, row));
    return this.flame ? [clamp(rows - 1 - bottom), clamp(rows - 1 - top)] : [clamp(top), clamp(bottom)];
  }

  axis() {
    return this.layout.ordered ? AXIS_PX : 0;
  }

  /** The place of a depth's row on the canvas. */
  top(depth) {
    const row = this.flame ? this.layout.depthCount - 1 - depth : depth;
    return this.axis() + row * ROW_PX - this.scroller.scrollTop;
  }

  drawRow(depth) {
    const { layout, from, to, scale } = this;
    const y = this.top(depth);
    const end = layout.rowStart[depth + 1];
    let place = firstEndingAfter(layout, depth, from);
    while (place < end) {
      const box = layout.rows[place];
      const start = layout.start[box];
      if (start >= to) break;
      const x = (start - from) * scale;
      const width = layout.total[box] * scale;
      if (width >= 1) {
        this.drawBox(box, Math.max(0, x), Math.min(this.width, x + width) - Math.max(0, x), y);
        place++;
      } else {
        // What is thinner than a pixel is shown together, and passed over by a search, not one by one.
        const pixel = Math.floor(x);
        const next = firstEndingAfter(layout, depth, from + (pixel + 1) / scale);
        this.context.fillStyle = this.ink.tiny;
        this.context.fillRect(pixel, y, 1, ROW_PX - 1);
        place = Math.max(place + 1, next);
      }
    }
  }

  drawBox(box, x, width, y) {
    const { context, layout } = this;
    const frame = this.frames[layout.frame[box]];
    const colours = frame ? this.colours[frame.module] : { fill: this.ink.line, text: this.ink.text };
    const dimmed = this.matched ? box === 0 || !this.matched[layout.frame[box]] : false;
    const above = layout.depth[box] < layout.depth[this.zoomed];
    const faded = frame && (dimmed || above);
    const shade = layout.frame[box] % (colours.fills?.length ?? 1);
    context.fillStyle = faded ? colours.faded : (colours.fills?.[shade] ?? colours.fill);
    context.fillRect(x, y, Math.max(width - 1, 0.6), ROW_PX - 1);
    if (width < LEAST_TEXT_PX) return;
    context.fillStyle = faded ? colours.fadedText : colours.text;
    const text = frame ? frame.name : `All · ${formatWeight(layout.total[0], this.unit)}`;
    context.fillText(this.fitted(text, width - 10), x + 5, y + ROW_PX / 2);
  }

  /** Cut a name to a width, from its end. */
  fitted(text, width) {
    const shown = printable(text);
    // About 6.6 px a letter: the measure is asked only near the limit.
    if (shown.length * 8 < width || this.context.measureText(shown).width <= width) return shown;
    let low = 0;
    let high = Math.min(shown.length, Math.ceil(width / 3));
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.context.measureText(`${shown.slice(0, middle)}…`).width <= width) low = middle;
      else high = middle - 1;
    }
    return low > 0 ? `${shown.slice(0, low)}…` : "";
  }

  drawAxis() {
    const { context } = this;
    const background = getComputedStyle(this.scroller).backgroundColor;
    context.fillStyle = background;
    context.fillRect(0, 0, this.width, AXIS_PX);
    const step = tickStep(this.to - this.from, this.width / 110);
    context.fillStyle = this.ink.text;
    context.strokeStyle = this.ink.line;
    context.beginPath();
    for (let value = Math.ceil(this.from / step) * step; value <= this.to; value += step) {
      const x = (value - this.from) * this.scale;
      context.moveTo(x + 0.5, AXIS_PX - 6);
      context.lineTo(x + 0.5, AXIS_PX);
      const text = formatWeight(value, this.unit);
      context.fillText(text, Math.min(x + 4, this.width - context.measureText(text).width - 2), AXIS_PX / 2 - 1);
    }
    context.stroke();
  }

  outline(box, thickness) {
    if (box < 0) return;
    const { layout, context } = this;
    const x = (layout.start[box] - this.from) * this.scale;
    const left = Math.max(0, x);
    const width = Math.min(this.width, x + layout.total[box] * this.scale) - left;
    if (width <= 0) return;
    context.strokeStyle = this.ink.focus;
    context.lineWidth = thickness;
    const inset = thickness / 2;
    context.strokeRect(
      left + inset,
      this.top(layout.depth[box]) + inset,
      Math.max(width - 1 - thickness, 1),
      ROW_PX - 1 - thickness,
    );
  }

  /** Return the box under a point of the canvas, or -1. */
  at(x, y) {
    const row = Math.floor((y + this.scroller.scrollTop - this.axis()) / ROW_PX);
    if (y < this.axis() && this.layout.ordered) return -1;
    const depth = this.flame ? this.layout.depthCount - 1 - row : row;
    return boxAt(this.layout, depth, this.from + x / this.scale);
  }

  /** Scroll a box's row into sight. */
  reveal(box) {
    const y = this.top(this.layout.depth[box]);
    if (y < this.axis()) this.scroller.scrollTop += y - this.axis() - ROW_PX;
    else if (y + ROW_PX > this.visible) this.scroller.scrollTop += y + 2 * ROW_PX - this.visible;
  }

  /** Scroll to where the stacks begin. */
  rewind() {
    this.scroller.scrollTop = this.flame ? this.height : 0;
  }
}
