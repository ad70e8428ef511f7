// The page: its state, and what each wish of a person changes in it.

import { addressOf, firstState, isAddress, stateOf } from "./address.js";
import { copyText } from "./clipboard.js";
import { listenToControls, showControls } from "./controls.js";
import { decodeProfile, inflated } from "./decode.js";
import { FlameView } from "./flame.js";
import { formatDuration, formatShare, printable } from "./format.js";
import { showHeader } from "./header.js";
import { Steps } from "./history.js";
import { moduleWeights, showLegend } from "./legend.js";
import { Minimap } from "./minimap.js";
import { ancestorSpanning, isWithin, parentOf } from "./navigate.js";
import { moduleColours } from "./palette.js";
import { showDetail, showPath, showTip } from "./readout.js";
import { matchFrames, matchedWeight, nextMatch } from "./search.js";
import { locationOf, showSource } from "./source.js";
import { FunctionTable } from "./table.js";
import { isDark, toggleTheme } from "./theme.js";
import { paintTracks, tracksHeight, tracksSentence } from "./tracks.js";
import { Views } from "./views.js";
import { Words } from "./words.js";

const $ = (id) => document.getElementById(id);
const DETAIL = ["name", "total", "self", "everywhere"];

/** Everything that the page does, around one profile. */
class App {
  constructor(profile) {
    this.profile = profile;
    this.views = new Views(profile);
    this.state = firstState();
    this.flame = new FlameView($("canvas"), $("scroller"), $("spacer"));
    this.flame.onDraw = () => this.drawBeside();
    this.minimap = new Minimap($("minimap"), this.flame, (from, to) => this.look(from, to));
    this.table = new FunctionTable($("functions"), $("more"), {
      onChoose: (frame) => this.choose(frame),
      onOpen: (frame) => this.openSource(frame),
    });
    this.detail = Object.fromEntries(DETAIL.map((part) => [part, $(`detail-${part}`)]));
    this.history = new Steps((address) => isAddress(address) && this.restore(address));
    showHeader($, profile);
    $("tracks-sentence").textContent = tracksSentence(profile);
    listenToControls($, this);
    this.applyColours();
    if (profile.lanes.length) this.restore(isAddress(location.hash) ? location.hash : "");
    else this.showNothing();
    document.documentElement.dataset.ready = "true";
  }

  get lane() {
    return this.profile.lanes[this.state.lane];
  }

  showNothing() {
    $("empty").hidden = false;
    for (const id of ["toolbar", "stage", "table"]) $(id).hidden = true;
  }

  // ---- what is shown ---------------------------------------------------------------------------

  /** Show what an address says. */
  restore(address) {
    const { box, range, ...state } = stateOf(address, this.profile);
    Object.assign(this.state, state);
    this.render();
    const { layout } = this.flame;
    if (range && range[0] < layout.total[0]) {
      this.flame.look(range[0], Math.min(range[1], layout.total[0]) - range[0]);
      this.focus(this.flame.zoomed);
    } else if (box > 0 && box < layout.count) {
      this.flame.zoom(box, false);
      this.focus(box);
    }
    this.showPath();
    showControls($, this);
  }

  /** Change something of the state and show it; the view is whole again where it is another. */
  change(changes) {
    const same = Object.keys(changes).every((name) => ["flame", "palette", "query"].includes(name));
    Object.assign(this.state, changes);
    if (same) this.restyle();
    else this.render();
    this.remember();
  }

  showLane(index) {
    this.change({ lane: index });
  }

  /** Show another view; that around a function takes the one with the frame of the keyboard. */
  showView(view) {
    if (view === "order" && !this.lane.ordered) return;
    if (view === "around") this.showAround(this.flame.layout.frame[this.flame.focused]);
    else this.change({ view });
  }

  /** Show a function between its callers and its callees. */
  showAround(frame) {
    const subject = frame >= 0 ? frame : this.state.subject >= 0 ? this.state.subject : this.view.totals[0]?.frame;
    if (subject !== undefined) this.change({ view: "around", subject });
  }

  setGroup(category, mode) {
    this.change({ groups: { ...this.state.groups, [category]: mode } });
  }

  render() {
    const { state, profile } = this;
    if (!this.lane.ordered && state.view === "order") state.view = "merged";
    this.view = this.views.of(state);
    const { layout, lane, totals } = this.view;
    this.words = new Words(profile, this.view);
    const sampled = lane.total > 0;
    $("empty").hidden = sampled;
    $("stage").hidden = $("table").hidden = !sampled;
    this.point(-1);
    $("scroller").style.setProperty("--rows", String(layout.depthCount + (layout.ordered ? 1 : 0)));
    $("tracks").hidden = $("tracks-sentence").hidden = !layout.ordered || !tracksHeight(profile);
    this.applyColours();
    this.flame.flame = state.flame;
    this.flame.show(layout, profile, lane.unit, this.colours);
    this.flame.rewind();
    this.minimap.redraw();
    this.table.show(totals, profile, lane, this.colours);
    this.fillLegend();
    $("functions-title").textContent = lane.unit === "bytes" ? "Allocation sites" : "Functions";
    $("omitted").textContent = lane.omitted
      ? `${formatDuration(lane.omitted)} in which threads only waited for work are left out.`
      : "";
    this.search(state.query);
    this.focus(0);
    this.showPath();
  }

  /** Show the same boxes in another way. */
  restyle() {
    if (this.flame.flame !== this.state.flame) {
      this.flame.flame = this.state.flame;
      this.flame.rewind();
    }
    this.applyTheme();
    this.search(this.state.query);
  }

  applyColours() {
    this.colours = moduleColours(this.profile.modules, isDark(), this.state.palette);
    this.flame.colours = this.colours;
    $("theme").setAttribute("aria-pressed", String(isDark()));
  }

  applyTheme() {
    this.applyColours();
    if (!this.view) return;
    this.flame.request();
    this.minimap.redraw();
    this.table.recolour(this.colours);
    this.fillLegend();
  }

  toggleTheme() {
    toggleTheme();
    this.applyTheme();
  }

  fillLegend() {
    const { modules, frames } = this.profile;
    showLegend($("legend"), {
      modules,
      weights: moduleWeights(this.view.totals, frames, modules.length),
      total: this.view.lane.total,
      colours: this.colours,
      groups: this.state.groups,
      onChoose: (module) => this.search(`module:${module.name}`),
      onMode: (category, mode) => this.setGroup(category, mode),
    });
  }

  drawBeside() {
    this.minimap.show();
    if (!$("tracks").hidden) paintTracks($("tracks"), this.profile, this.flame);
  }

  resize() {
    this.flame.resize();
    this.minimap.redraw();
  }

  // ---- where in the picture --------------------------------------------------------------------

  /** Note the state in the address: as a step to go back to, or in place of the last. */
  remember(step = true) {
    const { zoomed, layout } = this.flame;
    const range = this.flame.target;
    const start = layout.start[zoomed];
    const fits = range[0] === start && range[1] === start + (layout.total[zoomed] || 1);
    const address = addressOf({ ...this.state, box: fits ? zoomed : 0, range: fits ? null : range });
    if (step) this.history.push(address);
    else this.history.replace(address);
    showControls($, this);
  }

  zoom(box) {
    this.flame.zoom(box);
    this.focus(box);
    this.showPath();
    this.remember();
  }

  zoomOut() {
    this.zoom(parentOf(this.flame.layout, this.flame.zoomed));
  }

  magnify(factor, x) {
    this.flame.magnify(factor, x);
    this.moved();
  }

  pan(pixels) {
    this.flame.pan(pixels);
    this.moved();
  }

  look(from, to) {
    this.flame.look(from, Math.max(1, to - from));
    this.moved();
  }

  moved() {
    this.showPath();
    // The browser takes only so many notes a second.
    clearTimeout(this.noting);
    this.noting = setTimeout(() => this.remember(false), 250);
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
    const frame = this.flame.layout.frame[box];
    const location = frame >= 0 ? [locationOf(this.profile, frame, (index) => this.openSource(index))] : [];
    $("detail-location").replaceChildren(...location);
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

  // ---- search, copy, source --------------------------------------------------------------------

  search(query) {
    this.state.query = query;
    if ($("search").value !== query) $("search").value = query;
    const matched = matchFrames(this.profile.frames, this.profile.modules, query);
    const changed = matched !== null || this.flame.matched !== null;
    this.flame.matched = matched;
    const { total, boxes } = matched ? matchedWeight(this.flame.layout, matched) : { total: 0, boxes: 0 };
    $("matched").textContent = matched ? `${formatShare(total, this.view.lane.total)} matched` : "";
    $("next").hidden = boxes === 0;
    this.flame.request();
    if (changed) this.minimap.redraw();
  }

  nextMatch(step) {
    const { layout, matched, focused } = this.flame;
    if (matched) this.focus(nextMatch(layout, matched, focused, step));
  }

  /** Search one function and go to the first of its boxes; around a function, go around this one. */
  choose(frame) {
    if (this.state.view === "around") {
      this.showAround(frame);
      return;
    }
    this.search(`"${this.profile.frames[frame].name}"`);
    this.focus(nextMatch(this.flame.layout, this.flame.matched, 0, 1));
    this.remember();
    $("stage").scrollIntoView({ block: "nearest" });
  }

  openSource(frame = this.flame.layout.frame[this.flame.focused]) {
    if (this.profile.sources.places[frame]) showSource($("source"), this.profile, frame);
    else if (this.profile.links[frame]) window.open(this.profile.links[frame], "_blank", "noopener");
  }

  async copyStack() {
    const copied = await copyText(this.words.stack(this.flame.focused));
    $("announcer").textContent = copied ? "Stack copied" : "The stack could not be copied";
    $("copy").textContent = copied ? "Copied" : "Not allowed";
    setTimeout(() => ($("copy").textContent = "Copy stack"), 1500);
  }
}

window.flamegraph = new App(decodeProfile(await inflated(JSON.parse($("profile").textContent))));
