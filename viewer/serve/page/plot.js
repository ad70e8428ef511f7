// The picture of invocations: time to the right, duration upwards (logarithmic), one point each.

const LEFT = 64;
const BOTTOM = 24;
const TOP = 10;
const RIGHT = 12;
const RADIUS = 2.6;
const CLASSES = ["ok", "error", "timeout", "memory", "memory"];
const STEPS_MS = [1, 2, 5, 10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 86400, 604800].map((s) => s * 1000);

export class Plot {
  /** `onChoose(rectangle | null)` is called when a part was chosen with the pointer. */
  constructor(canvas, onChoose) {
    this.canvas = canvas;
    this.onChoose = onChoose;
    this.context = canvas.getContext("2d");
    this.clear();
    this.drag = null;
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.release(event));
    canvas.addEventListener("keydown", (event) => event.key === "Escape" && this.onChoose(null));
  }

  clear() {
    this.started = [];
    this.duration = [];
    this.flags = [];
    this.chosen = null;
    this.range = null;
  }

  /** Add columns of equal length. */
  add(started, duration, flags) {
    for (let index = 0; index < started.length; index++) {
      this.started.push(started[index]);
      this.duration.push(duration[index]);
      this.flags.push(flags[index]);
    }
    this.range = this.rangeOf();
    this.draw();
  }

  rangeOf() {
    if (!this.started.length) return null;
    let [from, to, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let index = 0; index < this.started.length; index++) {
      from = Math.min(from, this.started[index]);
      to = Math.max(to, this.started[index]);
      low = Math.min(low, Math.max(this.duration[index], 0.001));
      high = Math.max(high, this.duration[index]);
    }
    const width = Math.max(to - from, 1000);
    low = Math.log10(low) - 0.08;
    high = Math.max(Math.log10(Math.max(high, 0.001)), low + 0.2) + 0.08;
    return { from: from - width * 0.02, to: to + width * 0.02, low, high };
  }

  x(ms) {
    return LEFT + ((ms - this.range.from) / (this.range.to - this.range.from)) * (this.width - LEFT - RIGHT);
  }

  y(ms) {
    const share = (Math.log10(Math.max(ms, 0.001)) - this.range.low) / (this.range.high - this.range.low);
    return this.height - BOTTOM - share * (this.height - BOTTOM - TOP);
  }

  /** Return the place of a point of the canvas: [milliseconds since the epoch, duration in milliseconds]. */
  placeAt(x, y) {
    const time = this.range.from + ((x - LEFT) / (this.width - LEFT - RIGHT)) * (this.range.to - this.range.from);
    const share = (this.height - BOTTOM - y) / (this.height - BOTTOM - TOP);
    return [time, 10 ** (this.range.low + share * (this.range.high - this.range.low))];
  }

  draw() {
    const ratio = devicePixelRatio || 1;
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    if (this.canvas.width !== this.width * ratio) this.canvas.width = this.width * ratio;
    if (this.canvas.height !== this.height * ratio) this.canvas.height = this.height * ratio;
    const { context } = this;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    if (!this.range) return;
    const style = getComputedStyle(this.canvas);
    this.ink = (name) => style.getPropertyValue(`--${name}`);
    context.font = `11px ${style.fontFamily}`;
    this.axes();
    this.points();
    const shown = this.drag ?? this.chosen;
    if (shown) this.rectangle(shown);
  }

  axes() {
    const { context } = this;
    context.fillStyle = this.ink("soft");
    context.strokeStyle = this.ink("line");
    context.lineWidth = 1;
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (let power = Math.floor(this.range.low); power <= Math.ceil(this.range.high); power++) {
      for (const factor of this.range.high - this.range.low > 2.5 ? [1] : [1, 2, 5]) {
        const value = factor * 10 ** power;
        const y = this.y(value);
        if (y < TOP || y > this.height - BOTTOM) continue;
        context.beginPath();
        context.moveTo(LEFT, Math.round(y) + 0.5);
        context.lineTo(this.width - RIGHT, Math.round(y) + 0.5);
        context.stroke();
        context.fillText(durationText(value), LEFT - 8, y);
      }
    }
    context.textAlign = "center";
    const span = this.range.to - this.range.from;
    const step = STEPS_MS.find((each) => span / each <= 9) ?? STEPS_MS[STEPS_MS.length - 1];
    for (let at = Math.ceil(this.range.from / step) * step; at <= this.range.to; at += step) {
      const stamp = new Date(at).toISOString();
      const text = step >= 86400000 ? stamp.slice(5, 10) : step >= 60000 ? stamp.slice(11, 16) : stamp.slice(11, 19);
      const x = this.x(at);
      if (x > LEFT + 14 && x < this.width - RIGHT - 24) context.fillText(text, x, this.height - BOTTOM / 2);
    }
  }

  points() {
    const { context } = this;
    // By kind, so that the colour changes a few times and not for each point; what failed is drawn over the rest.
    const kinds = new Map();
    for (let index = 0; index < this.started.length; index++) {
      const flag = this.flags[index];
      if (!kinds.has(flag)) kinds.set(flag, []);
      kinds.get(flag).push(index);
    }
    const dense = this.started.length > 20000;
    for (const flag of [...kinds.keys()].sort((one, other) => one - other)) {
      const colour = this.ink(CLASSES[flag >> 1] ?? "ok");
      context.fillStyle = colour;
      context.strokeStyle = colour;
      context.globalAlpha = flag >> 1 ? 0.95 : 0.6;
      context.lineWidth = 1.6;
      if (dense && !(flag & 1)) {
        for (const index of kinds.get(flag)) context.fillRect(this.x(this.started[index]) - 1, this.y(this.duration[index]) - 1, 2, 2);
        continue;
      }
      context.beginPath();
      for (const index of kinds.get(flag)) {
        const x = this.x(this.started[index]);
        const y = this.y(this.duration[index]);
        context.moveTo(x + RADIUS, y);
        context.arc(x, y, RADIUS + (flag & 1 ? 1 : 0), 0, 7);
      }
      if (flag & 1) context.stroke();
      else context.fill();
    }
    context.globalAlpha = 1;
  }

  rectangle({ from, to, shortest, longest }) {
    const { context } = this;
    const left = Math.max(LEFT, this.x(from));
    const right = Math.min(this.width - RIGHT, this.x(to));
    const top = Math.max(0, this.y(longest));
    const bottom = Math.min(this.height - BOTTOM, this.y(Math.max(shortest, 0.001)));
    context.fillStyle = this.ink("accent");
    context.globalAlpha = 0.13;
    context.fillRect(left, top, right - left, bottom - top);
    context.globalAlpha = 1;
    context.strokeStyle = this.ink("accent");
    context.strokeRect(left + 0.5, top + 0.5, right - left - 1, bottom - top - 1);
  }

  press(event) {
    if (!this.range) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.anchor = [event.offsetX, event.offsetY];
  }

  move(event) {
    if (!this.anchor) return;
    const [[fromX, fromY], toX, toY] = [this.anchor, event.offsetX, event.offsetY];
    const [from, longest] = this.placeAt(Math.min(fromX, toX), Math.min(fromY, toY));
    const [to, shortest] = this.placeAt(Math.max(fromX, toX), Math.max(fromY, toY));
    this.drag = { from, to, shortest, longest };
    this.draw();
  }

  release(event) {
    if (!this.anchor) return;
    const moved = Math.hypot(event.offsetX - this.anchor[0], event.offsetY - this.anchor[1]) > 4;
    const drag = this.drag;
    this.anchor = this.drag = null;
    this.onChoose(moved ? drag : null);
  }
}

/** Return a duration in words: `85 µs`, `412 ms`, `1.2 s`. */
export function durationText(ms) {
  if (ms < 1) return `${trimmed(ms * 1000)} µs`;
  if (ms < 1000) return `${trimmed(ms)} ms`;
  return ms < 60000 ? `${trimmed(ms / 1000)} s` : `${trimmed(ms / 60000)} min`;
}

const trimmed = (value) => Number(value.toPrecision(3)).toString();
