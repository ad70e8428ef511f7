// A view of one layout: which part of it is seen, how large, and which box lies under a point.

import { boxAt, depthOfRow, rowOfDepth } from "./boxes.js";
import { ancestorSpanning } from "./navigate.js";
import { ROW_PX, axisHeight, paint, pictureHeight } from "./paint.js";

const MOVE_MS = 140;

/** The picture's state. `scroller` scrolls; the canvas sticks in it; `spacer` has the height of all rows. */
export class FlameView {
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
    this.turn = null;
    this.onDraw = () => {}; // for what is drawn beside the picture
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

  /** What is in view once nothing moves any more: [from, to]. */
  get target() {
    return this.turn ? this.turn.target : [this.from, this.to];
  }

  get scale() {
    return this.width / (this.to - this.from);
  }

  /** Return whether all of the lane is in view. */
  isWhole() {
    return this.zoomed === 0 && this.from === 0 && this.to === (this.layout.total[0] || 1);
  }

  /** Make a box fill the width. */
  zoom(box, moving = true) {
    this.zoomed = box;
    this.focused = box;
    const target = [this.layout.start[box], this.layout.start[box] + (this.layout.total[box] || 1)];
    if (moving && !this.still.matches) {
      this.move(target);
    } else {
      this.turn = null;
      [this.from, this.to] = target;
      this.request();
    }
    this.reveal(box);
  }

  move(target) {
    const origin = [this.from, this.to];
    const begun = performance.now();
    const turn = (this.turn = { target });
    const step = (now) => {
      if (this.turn !== turn) return;
      const share = Math.min(1, Math.max(0, (now - begun) / MOVE_MS));
      const eased = 1 - (1 - share) ** 3;
      this.from = origin[0] + (target[0] - origin[0]) * eased;
      this.to = origin[1] + (target[1] - origin[1]) * eased;
      if (share === 1) {
        [this.from, this.to] = target;
        this.turn = null;
      }
      this.draw();
      if (share < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  /** Magnify around a place on the canvas; a factor above 1 shows more detail. */
  magnify(factor, x) {
    const whole = this.layout.total[0] || 1;
    const span = Math.min(whole, Math.max(Math.min(1, whole), (this.to - this.from) / factor));
    const still = this.from + x / this.scale;
    this.look(still - (x / this.width) * span, span);
  }

  /** Move the view sideways by so many pixels. */
  pan(pixels) {
    this.look(this.from + pixels / this.scale, this.to - this.from);
  }

  look(from, span) {
    const whole = this.layout.total[0] || 1;
    this.turn = null;
    this.from = Math.max(0, Math.min(whole - span, from));
    this.to = span >= whole ? whole : this.from + span;
    this.zoomed = ancestorSpanning(this.layout, this.zoomed, this.from, this.to);
    this.request();
  }

  /** Take the size that the page gives, at the screen's own resolution. */
  resize() {
    if (!this.layout) return;
    const ratio = devicePixelRatio || 1;
    this.height = pictureHeight(this.layout);
    this.spacer.style.height = `${this.height}px`;
    this.width = this.scroller.clientWidth;
    this.visible = Math.min(this.scroller.clientHeight, this.height);
    const [width, height] = [Math.round(this.width * ratio), Math.round(this.visible * ratio)];
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.canvas.style.width = `${this.width}px`;
      this.canvas.style.height = `${this.visible}px`;
    }
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.request();
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
    if (!this.layout || !this.width) return;
    paint(this);
    this.onDraw();
  }

  /** Return the first and the last row in sight, counted from the top of an icicle. */
  visibleRows() {
    const rows = this.layout.depthCount;
    const scrolled = this.scroller.scrollTop - axisHeight(this.layout);
    const top = Math.floor(scrolled / ROW_PX);
    const bottom = Math.ceil((scrolled + this.visible) / ROW_PX);
    const clamp = (row) => Math.max(0, Math.min(rows - 1, row));
    return this.flame ? [clamp(rows - 1 - bottom), clamp(rows - 1 - top)] : [clamp(top), clamp(bottom)];
  }

  /** The place of a depth's row on the canvas. */
  top(depth) {
    const row = rowOfDepth(this.layout, depth);
    const drawn = this.flame ? this.layout.depthCount - 1 - row : row;
    return axisHeight(this.layout) + drawn * ROW_PX - this.scroller.scrollTop;
  }

  /** Return the box under a point of the canvas, or -1. */
  at(x, y) {
    const axis = axisHeight(this.layout);
    if (y < axis) return -1;
    const drawn = Math.floor((y + this.scroller.scrollTop - axis) / ROW_PX);
    const row = this.flame ? this.layout.depthCount - 1 - drawn : drawn;
    if (row < 0 || row >= this.layout.depthCount) return -1;
    return boxAt(this.layout, depthOfRow(this.layout, row), this.from + x / this.scale);
  }

  /** Scroll a box's row into sight. */
  reveal(box) {
    const y = this.top(this.layout.depth[box]);
    const axis = axisHeight(this.layout);
    if (y < axis) this.scroller.scrollTop += y - axis - ROW_PX;
    else if (y + ROW_PX > this.visible) this.scroller.scrollTop += y + 2 * ROW_PX - this.visible;
  }

  /** Scroll to where the stacks begin. */
  rewind() {
    if (this.layout.above) {
      // The function itself in the middle, between its callers and its callees.
      this.scroller.scrollTop += this.top(0) - this.visible / 2;
    } else {
      this.scroller.scrollTop = this.flame ? this.height : 0;
    }
  }
}
