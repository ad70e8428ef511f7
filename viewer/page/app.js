// The page: its state, and what happens when something is clicked, typed or pointed at.

import { decodeProfile } from "./decode.js";
import { FlameView } from "./flame.js";
import { formatShare, formatWeight, printable } from "./format.js";
import { functionTotals } from "./functions.js";
import { mergedLayout, orderedLayout } from "./layout.js";
import { childOf, neighbourOf, parentOf, pathTo } from "./navigate.js";
import { moduleColours } from "./palette.js";
import { matchFrames, matchedWeight } from "./search.js";
import { FunctionTable } from "./table.js";
import { isDark, onSystemTheme, toggleTheme } from "./theme.js";

const $ = (id) => document.getElementById(id);
const LEGEND_MODULES = 9;

/** Everything that the page does, around one profile. */
class App {
  constructor(profile) {
    this.profile = profile;
    this.layouts = new Map();
    this.lane = profile.lanes[0];
    this.view = "merged";
    this.query = "";
    this.flame = new FlameView($("canvas"), $("scroller"), $("spacer"));
    this.table = new FunctionTable($("functions"), $("more"), (frame) => this.search(profile.frames[frame].name));
    this.fillHeader();
    this.listen();
    this.applyTheme();
    if (this.lane) this.showLane(0);
    else this.showNothing();
  }

  // ---- what stands still ---------------------------------------------------------------------

  fillHeader() {
    const { profile } = this;
    document.title = printable(profile.title);
    $("title").textContent = printable(profile.title);
    $("approximate").hidden = !profile.approximate;
    for (const [label, text] of Object.entries(profile.facts)) {
      const entry = document.createElement("div");
      entry.append(Object.assign(document.createElement("dt"), { textContent: printable(label) }));
      entry.append(Object.assign(document.createElement("dd"), { textContent: printable(text) }));
      $("facts").append(entry);
    }
    profile.lanes.forEach((lane, index) => {
      const text = `${printable(lane.name)} · ${formatWeight(lane.total, lane.unit)}`;
      $("lane").append(new Option(text, String(index)));
    });
  }

  showNothing() {
    $("empty").hidden = false;
    $("stage").hidden = true;
  }

  // ---- lanes, views, zoom ----------------------------------------------------------------------

  layout() {
    const key = `${this.view} ${this.profile.lanes.indexOf(this.lane)}`;
    if (!this.layouts.has(key)) {
      const make = this.view === "merged" ? mergedLayout : orderedLayout;
      this.layouts.set(key, make(this.profile, this.lane));
    }
    return this.layouts.get(key);
  }

  showLane(index) {
    this.lane = this.profile.lanes[index];
    $("lane").value = String(index);
    $("empty").hidden = this.lane.total > 0;
    $("view-order").disabled = !this.lane.ordered;
    this.showView(this.lane.ordered ? this.view : "merged");
    this.fillLegend();
  }

  showView(view) {
    this.view = view;
    for (const [id, name] of [["view-merged", "merged"], ["view-order", "order"]]) {
      $(id).setAttribute("aria-pressed", String(name === view));
    }
    const layout = this.layout();
    $("scroller").style.setProperty("--rows", String(layout.depthCount + (layout.ordered ? 2 : 1)));
    this.flame.show(layout, this.profile, this.lane.unit, this.colours);
    this.flame.rewind();
    this.table.show(functionTotals(layout, this.profile.frames.length), this.profile, this.lane);
    this.search(this.query);
    this.focus(0);
    this.showPath();
    document.documentElement.dataset.ready = "true";
  }

  setFlame(flame) {
    this.flame.flame = flame;
    $("icicle").setAttribute("aria-pressed", String(!flame));
    $("flame").setAttribute("aria-pressed", String(flame));
    this.flame.draw();
    this.flame.rewind();
  }

  zoom(box) {
    this.flame.zoom(box);
    this.focus(box);
    this.showPath();
  }

  zoomOut() {
    this.zoom(parentOf(this.flame.layout, this.flame.zoomed));
  }

  focus(box) {
    this.flame.focused = box;
    this.flame.reveal(box);
    this.flame.request();
    this.describe(box);
    $("announcer").textContent = this.sentence(box);
  }

  // ---- words for a box -------------------------------------------------------------------------

  frameOf(box) {
    return this.profile.frames[this.flame.layout.frame[box]];
  }

  nameOf(box) {
    const frame = this.frameOf(box);
    return frame ? printable(frame.name) : printable(this.lane.name);
  }

  numbers(box) {
    const { layout } = this.flame;
    const { unit, total } = this.lane;
    return {
      self: `${formatWeight(layout.self[box], unit)} (${formatShare(layout.self[box], total)})`,
      total: `${formatWeight(layout.total[box], unit)} (${formatShare(layout.total[box], total)})`,
    };
  }

  sentence(box) {
    const { self, total } = this.numbers(box);
    const frame = this.frameOf(box);
    return `${this.nameOf(box)}, total ${total}, self ${self}${frame ? `, ${printable(frame.location)}` : ""}`;
  }

  /** Fill the line under the picture. */
  describe(box) {
    const { self, total } = this.numbers(box);
    const frame = this.frameOf(box);
    $("detail-name").textContent = this.nameOf(box);
    $("detail-total").textContent = total;
    $("detail-self").textContent = self;
    $("detail-location").textContent = frame ? printable(frame.location) : "";
  }

  showTip(box, x, y) {
    const tip = $("tip");
    tip.hidden = box < 0;
    this.flame.hovered = box;
    this.flame.request();
    if (box < 0) return;
    const { self, total } = this.numbers(box);
    const frame = this.frameOf(box);
    $("tip-name").textContent = this.nameOf(box);
    $("tip-numbers").textContent = `total ${total} · self ${self}`;
    $("tip-location").textContent = frame ? printable(frame.location) : "";
    const width = tip.offsetWidth;
    tip.style.left = `${Math.max(8, Math.min(x + 14, innerWidth - width - 8))}px`;
    tip.style.top = `${y + 20 + tip.offsetHeight > innerHeight ? y - tip.offsetHeight - 10 : y + 18}px`;
  }

  showPath() {
    const path = pathTo(this.flame.layout, this.flame.zoomed);
    const items = path.map((box, place) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = place ? this.nameOf(box) : "All";
      if (box === this.flame.zoomed) button.setAttribute("aria-current", "true");
      button.addEventListener("click", () => this.zoom(box));
      item.append(button);
      return item;
    });
    $("path").replaceChildren(...items);
    $("path").hidden = path.length < 2;
  }

  // ---- search and colours ----------------------------------------------------------------------

  search(query) {
    this.query = query;
    if ($("search").value !== query) $("search").value = query;
    const { frames, modules } = this.profile;
    this.flame.matched = matchFrames(frames, modules, query);
    if (this.flame.matched) {
      const { total } = matchedWeight(this.flame.layout, this.flame.matched);
      $("matched").textContent = `${formatShare(total, this.lane.total)} matched`;
    } else {
      $("matched").textContent = "";
    }
    this.flame.request();
  }

  applyTheme() {
    this.colours = moduleColours(this.profile.modules, isDark());
    this.flame.colours = this.colours;
    $("theme").setAttribute("aria-pressed", String(isDark()));
    this.flame.request();
    if (this.lane) this.fillLegend();
  }

  /** List the modules of the lane by self weight; clicking one searches it. */
  fillLegend() {
    const layout = this.layout();
    const { frames, modules } = this.profile;
    const weights = new Float64Array(modules.length);
    for (let box = 1; box < layout.count; box++) weights[frames[layout.frame[box]].module] += layout.self[box];
    const order = [...weights.keys()].filter((module) => weights[module] > 0);
    order.sort((one, other) => weights[other] - weights[one]);
    const items = order.slice(0, LEGEND_MODULES).map((module) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      const swatch = document.createElement("span");
      swatch.className = "swatch";
      swatch.style.backgroundColor = this.colours[module].fill;
      const share = document.createElement("span");
      share.className = "legend-share";
      share.textContent = formatShare(weights[module], this.lane.total);
      button.append(swatch, printable(modules[module].name), share);
      button.title = `Search ${printable(modules[module].name)}`;
      button.addEventListener("click", () => this.search(modules[module].name));
      item.append(button);
      return item;
    });
    $("legend").replaceChildren(...items);
  }

  // ---- what people do --------------------------------------------------------------------------

  listen() {
    $("lane").addEventListener("change", (event) => this.showLane(Number(event.target.value)));
    $("view-merged").addEventListener("click", () => this.showView("merged"));
    $("view-order").addEventListener("click", () => this.showView("order"));
    $("icicle").addEventListener("click", () => this.setFlame(false));
    $("flame").addEventListener("click", () => this.setFlame(true));
    $("theme").addEventListener("click", () => {
      toggleTheme();
      this.applyTheme();
    });
    onSystemTheme(() => this.applyTheme());
    $("search").addEventListener("input", (event) => this.search(event.target.value));
    $("copy").addEventListener("click", () => this.copyStack());
    $("help-open").addEventListener("click", () => $("help").showModal());
    $("help-close").addEventListener("click", () => $("help").close());
    new ResizeObserver(() => this.flame.resize()).observe($("scroller"));
    $("scroller").addEventListener("scroll", () => this.flame.request());
    this.listenToPointer($("canvas"));
    document.addEventListener("keydown", (event) => this.pressed(event));
  }

  listenToPointer(canvas) {
    const boxOf = (event) => this.flame.at(event.offsetX, event.offsetY);
    canvas.addEventListener("pointermove", (event) => this.showTip(boxOf(event), event.clientX, event.clientY));
    canvas.addEventListener("pointerleave", () => this.showTip(-1, 0, 0));
    canvas.addEventListener("click", (event) => {
      const box = boxOf(event);
      if (box >= 0) this.zoom(box);
    });
  }

  async copyStack() {
    const path = pathTo(this.flame.layout, this.flame.focused).slice(1);
    const text = path.map((box) => `${this.nameOf(box)}  ${printable(this.frameOf(box).location)}`).join("\n");
    try {
      await navigator.clipboard.writeText(text);
      $("announcer").textContent = "Stack copied";
      $("copy").textContent = "Copied";
    } catch {
      $("copy").textContent = "Not allowed";
    }
    setTimeout(() => ($("copy").textContent = "Copy stack"), 1500);
  }

  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
    if (event.target === $("search")) {
      if (event.key === "Escape") {
        this.search("");
        $("scroller").focus();
      } else if (event.key === "Enter") {
        $("scroller").focus();
      }
      return;
    }
    const everywhere = {
      "/": () => $("search").focus(),
      "?": () => $("help").showModal(),
      m: () => this.showView("merged"),
      t: () => this.lane.ordered && this.showView("order"),
      f: () => this.setFlame(!this.flame.flame),
      d: () => $("theme").click(),
      l: () => $("lane").focus(),
      Escape: () => (this.flame.zoomed ? this.zoom(0) : this.search("")),
      Backspace: () => this.zoomOut(),
    };
    const action = everywhere[event.key] ?? (event.target === $("scroller") ? this.moves()[event.key] : undefined);
    if (!action || event.target instanceof HTMLSelectElement) return;
    event.preventDefault();
    action();
  }

  /** Keys of the picture itself, while it has the focus. */
  moves() {
    const { layout, focused, zoomed, flame } = this.flame;
    const deeper = () => this.focus(childOf(layout, focused));
    const shallower = () => this.focus(parentOf(layout, focused));
    return {
      ArrowDown: flame ? shallower : deeper,
      ArrowUp: flame ? deeper : shallower,
      ArrowLeft: () => this.focus(neighbourOf(layout, focused, -1, zoomed)),
      ArrowRight: () => this.focus(neighbourOf(layout, focused, 1, zoomed)),
      Enter: () => this.zoom(focused),
      " ": () => this.zoom(focused),
      Home: () => this.zoom(0),
      c: () => this.copyStack(),
    };
  }
}

window.flamegraph = new App(decodeProfile(JSON.parse($("profile").textContent)));
