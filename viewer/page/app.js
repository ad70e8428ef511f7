// The page: its state, and what each wish of a person changes in it.

import { copyText } from "./clipboard.js";
import { decodeProfile } from "./decode.js";
import { FlameView } from "./flame.js";
import { formatShare, formatWeight, printable } from "./format.js";
import { functionTotals } from "./functions.js";
import { listenToKeys } from "./keyboard.js";
import { mergedLayout, orderedLayout } from "./layout.js";
import { moduleWeights, showLegend } from "./legend.js";
import { ancestorSpanning, isWithin, parentOf } from "./navigate.js";
import { moduleColours } from "./palette.js";
import { listenToPointer } from "./pointer.js";
import { showDetail, showPath, showTip } from "./readout.js";
import { matchFrames, matchedWeight, nextMatch } from "./search.js";
import { FunctionTable } from "./table.js";
import { isDark, onSystemTheme, toggleTheme } from "./theme.js";
import { Words } from "./words.js";

const $ = (id) => document.getElementById(id);

/** Everything that the page does, around one profile. */
class App {
  constructor(profile) {
    this.profile = profile;
    this.layouts = new Map();
    this.lane = profile.lanes[0];
    this.view = "merged";
    this.query = "";
    this.flame = new FlameView($("canvas"), $("scroller"), $("spacer"));
    this.table = new FunctionTable($("functions"), $("more"), (frame) => this.choose(frame));
    this.detail = {};
    for (const part of ["name", "total", "self", "everywhere", "location"]) this.detail[part] = $(`detail-${part}`);
    this.fillHeader();
    this.listen();
    this.applyTheme();
    if (this.lane) this.showLane(0);
    else this.showNothing();
    document.documentElement.dataset.ready = "true";
  }

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
    profile.lanes.forEach((lane, index) => $("lane").append(new Option(laneLabel(lane, profile.lanes), String(index))));
  }

  showNothing() {
    $("empty").hidden = false;
    for (const id of ["toolbar", "stage", "table"]) $(id).hidden = true;
  }

  // ---- lanes and views -------------------------------------------------------------------------

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
    const sampled = this.lane.total > 0;
    $("empty").hidden = sampled;
    $("stage").hidden = $("table").hidden = !sampled;
    $("view-order").disabled = !this.lane.ordered;
    this.showView(this.lane.ordered ? this.view : "merged");
  }

  showView(view) {
    this.view = view;
    for (const [id, name] of [["view-merged", "merged"], ["view-order", "order"]]) {
      $(id).setAttribute("aria-pressed", String(name === view));
    }
    const layout = this.layout();
    const totals = functionTotals(layout, this.profile.frames.length);
    this.words = new Words(this.profile, this.lane, layout, totals);
    this.weights = moduleWeights(layout, this.profile.frames, this.profile.modules.length);
    this.point(-1);
    $("scroller").style.setProperty("--rows", String(layout.depthCount + (layout.ordered ? 1 : 0)));
    this.flame.show(layout, this.profile, this.lane.unit, this.colours);
    this.flame.rewind();
    this.table.show(totals, this.profile, this.lane, this.colours);
    this.search(this.query);
    this.focus(0);
    this.showPath();
    this.fillLegend();
  }

  setFlame(flame) {
    this.flame.flame = flame;
    $("icicle").setAttribute("aria-pressed", String(!flame));
    $("flame").setAttribute("aria-pressed", String(flame));
    this.flame.rewind();
    this.flame.draw();
  }

  toggleTheme() {
    toggleTheme();
    this.applyTheme();
  }

  applyTheme() {
    this.colours = moduleColours(this.profile.modules, isDark());
    this.flame.colours = this.colours;
    $("theme").setAttribute("aria-pressed", String(isDark()));
    this.flame.request();
    this.table.recolour(this.colours);
    if (this.weights) this.fillLegend();
  }

  fillLegend() {
    const search = (module) => this.search(`module:${module.name}`);
    showLegend($("legend"), this.profile.modules, this.weights, this.lane.total, this.colours, search);
  }

  // ---- where in the picture --------------------------------------------------------------------

  zoom(box) {
    this.flame.zoom(box);
    this.focus(box);
    this.showPath();
  }

  zoomOut() {
    this.zoom(parentOf(this.flame.layout, this.flame.zoomed));
  }

  magnify(factor, x) {
    this.flame.magnify(factor, x);
    this.showPath();
  }

  pan(pixels) {
    this.flame.pan(pixels);
    this.showPath();
  }

  /** Give a box the frame of the keyboard; zoom out as far as it takes to see it. */
  focus(box) {
    const { layout, zoomed } = this.flame;
    if (!isWithin(layout, box, zoomed) && !isWithin(layout, zoomed, box)) {
      this.flame.zoom(ancestorSpanning(layout, zoomed, layout.start[box], layout.start[box] + layout.total[box]));
      this.showPath();
    }
    this.flame.focused = box;
    this.flame.reveal(box);
    this.flame.request();
    showDetail(this.detail, this.words, box);
    $("announcer").textContent = this.words.sentence(box);
  }

  /** Show the tip for a box under the pointer, or none. */
  point(box, x = 0, y = 0) {
    if (box < 0 && $("tip").hidden) return;
    this.flame.hovered = box;
    this.flame.request();
    showTip($("tip"), this.words, box, x, y);
  }

  showPath() {
    showPath($("path"), this.words, this.flame.zoomed, (box) => this.zoom(box));
  }

  // ---- search and copy -------------------------------------------------------------------------

  search(query) {
    this.query = query;
    if ($("search").value !== query) $("search").value = query;
    const matched = matchFrames(this.profile.frames, this.profile.modules, query);
    this.flame.matched = matched;
    const { total, boxes } = matched ? matchedWeight(this.flame.layout, matched) : { total: 0, boxes: 0 };
    $("matched").textContent = matched ? `${formatShare(total, this.lane.total)} matched` : "";
    $("next").hidden = boxes === 0;
    this.flame.request();
  }

  nextMatch(step) {
    const { layout, matched, focused } = this.flame;
    if (matched) this.focus(nextMatch(layout, matched, focused, step));
  }

  /** Search one function and go to the first of its boxes. */
  choose(frame) {
    this.search(`"${this.profile.frames[frame].name}"`);
    this.focus(nextMatch(this.flame.layout, this.flame.matched, 0, 1));
    $("stage").scrollIntoView({ block: "nearest" });
  }

  async copyStack() {
    const copied = await copyText(this.words.stack(this.flame.focused));
    $("announcer").textContent = copied ? "Stack copied" : "The stack could not be copied";
    $("copy").textContent = copied ? "Copied" : "Not allowed";
    setTimeout(() => ($("copy").textContent = "Copy stack"), 1500);
  }

  listen() {
    $("lane").addEventListener("change", (event) => this.showLane(Number(event.target.value)));
    $("view-merged").addEventListener("click", () => this.showView("merged"));
    $("view-order").addEventListener("click", () => this.showView("order"));
    $("icicle").addEventListener("click", () => this.setFlame(false));
    $("flame").addEventListener("click", () => this.setFlame(true));
    $("theme").addEventListener("click", () => this.toggleTheme());
    $("search").addEventListener("input", (event) => this.search(event.target.value));
    $("next").addEventListener("click", () => this.nextMatch(1));
    $("copy").addEventListener("click", () => this.copyStack());
    $("help-open").addEventListener("click", () => $("help").showModal());
    $("help-close").addEventListener("click", () => $("help").close());
    for (const event of ["scroll", "focus", "blur"]) $("scroller").addEventListener(event, () => this.flame.request());
    new ResizeObserver(() => this.flame.resize()).observe($("scroller"));
    onSystemTheme(() => this.applyTheme());
    listenToPointer(this, $("canvas"), $("scroller"));
    listenToKeys(this, { search: $("search"), scroller: $("scroller"), lane: $("lane"), help: $("help") });
  }
}

/** A lane's name, its total, and its share where several lanes share a unit. */
function laneLabel(lane, lanes) {
  const peers = lanes.filter((other) => other.unit === lane.unit && other.merged !== true);
  const whole = peers.reduce((sum, peer) => sum + peer.total, 0);
  const label = `${printable(lane.name)} · ${formatWeight(lane.total, lane.unit)}`;
  return peers.length > 1 && !lane.merged ? `${label} · ${formatShare(lane.total, whole)}` : label;
}

window.flamegraph = new App(decodeProfile(JSON.parse($("profile").textContent)));
