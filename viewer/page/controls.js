// The buttons and fields around the picture: what they do, and how they show the state.

import { VIEWS } from "./address.js";
import { listenToKeys } from "./keyboard.js";
import { listenToPointer } from "./pointer.js";
import { onSystemTheme } from "./theme.js";
import { tracksAt } from "./tracks.js";

/** Let the controls drive an App. `$` finds elements by id. */
export function listenToControls($, app) {
  const on = (id, event, action) => $(id).addEventListener(event, action);
  on("lane", "change", (event) => app.showLane(Number(event.target.value)));
  for (const view of VIEWS) on(`view-${view}`, "click", () => app.showView(view));
  on("icicle", "click", () => app.change({ flame: false }));
  on("flame", "click", () => app.change({ flame: true }));
  for (const name of ["recursion", "cpu", "parked"]) {
    on(name, "change", (event) => app.change({ [name]: event.target.checked }));
  }
  on("palette", "change", (event) => app.change({ palette: event.target.value }));
  on("theme", "click", () => app.toggleTheme());
  on("search", "input", (event) => app.search(event.target.value));
  on("search", "change", () => app.remember());
  on("next", "click", () => app.nextMatch(1));
  on("back", "click", () => app.history.go(-1));
  on("forward", "click", () => app.history.go(1));
  on("copy", "click", () => app.copyStack());
  on("around", "click", () => app.showView("around"));
  on("help-open", "click", () => $("help").showModal());
  for (const dialog of ["help", "source"]) on(`${dialog}-close`, "click", () => $(dialog).close());
  on("tracks", "pointermove", (event) => {
    const time = app.flame.from + event.offsetX / app.flame.scale;
    $("tracks").title = tracksAt(app.profile, time);
  });
  for (const event of ["scroll", "focus", "blur"]) on("scroller", event, () => app.flame.request());
  new ResizeObserver(() => app.resize()).observe($("scroller"));
  onSystemTheme(() => app.applyTheme());
  listenToPointer(app, $("canvas"), $("scroller"));
  listenToKeys(app, {
    search: $("search"),
    scroller: $("scroller"),
    lane: $("lane"),
    help: $("help"),
    dialogs: [$("help"), $("source")],
  });
  closeOutside($("options"));
}

/** Close a menu by a click beside it, or by Escape. */
function closeOutside(menu) {
  document.addEventListener("pointerdown", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
    event.stopPropagation();
  });
}

/** Show an App's state on its controls. */
export function showControls($, { state, lane, history, profile }) {
  $("lane").value = String(state.lane);
  const press = (id, pressed) => $(id).setAttribute("aria-pressed", String(pressed));
  for (const view of VIEWS) press(`view-${view}`, state.view === view);
  $("view-order").disabled = !lane.ordered;
  press("icicle", !state.flame);
  press("flame", state.flame);
  for (const name of ["recursion", "cpu", "parked"]) $(name).checked = state[name];
  $("cpu").disabled = !lane.waiting;
  $("parked").disabled = !lane.threads || !profile.parked.includes(1);
  $("palette").value = state.palette;
  $("back").disabled = !history.canGo(-1);
  $("forward").disabled = !history.canGo(1);
}
