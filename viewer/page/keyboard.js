// What each key does.

import { childOf, neighbourOf, parentOf } from "./navigate.js";

const MAGNIFY = 1.5;
const PAN_SHARE = 0.2;

/** Let the keys drive an App. */
export function listenToKeys(app, { search, scroller, lane, help }) {
  const everywhere = {
    "/": () => search.select(),
    "?": () => help.showModal(),
    n: () => app.nextMatch(1),
    p: () => app.nextMatch(-1),
    m: () => app.showView("merged"),
    t: () => app.lane.ordered && app.showView("order"),
    f: () => app.setFlame(!app.flame.flame),
    d: () => app.toggleTheme(),
    l: () => lane.focus(),
    c: () => app.copyStack(),
    Escape: () => (app.flame.isWhole() ? app.search("") : app.zoom(0)),
    Backspace: () => app.zoomOut(),
    "+": () => app.magnify(MAGNIFY, app.flame.width / 2),
    "=": () => app.magnify(MAGNIFY, app.flame.width / 2),
    "-": () => app.magnify(1 / MAGNIFY, app.flame.width / 2),
    ",": () => app.pan(-PAN_SHARE * app.flame.width),
    ".": () => app.pan(PAN_SHARE * app.flame.width),
  };

  function moves() {
    const { layout, focused, zoomed, flame } = app.flame;
    const deeper = () => app.focus(childOf(layout, focused));
    const shallower = () => app.focus(parentOf(layout, focused));
    return {
      ArrowDown: flame ? shallower : deeper,
      ArrowUp: flame ? deeper : shallower,
      ArrowLeft: () => app.focus(neighbourOf(layout, focused, -1, zoomed)),
      ArrowRight: () => app.focus(neighbourOf(layout, focused, 1, zoomed)),
      Enter: () => app.zoom(focused),
      " ": () => app.zoom(focused),
      Home: () => app.zoom(0),
    };
  }

  function typed(event) {
    if (event.key === "Escape") app.search("");
    else if (event.key === "Enter") app.nextMatch(1);
    else return;
    scroller.focus();
    event.preventDefault();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open || !app.flame.layout) return;
    if (event.target === search) {
      typed(event);
      return;
    }
    if (event.target instanceof HTMLSelectElement) return;
    const action = everywhere[event.key] ?? (event.target === scroller ? moves()[event.key] : undefined);
    if (!action) return;
    event.preventDefault();
    app.point(-1);
    action();
  });
}
