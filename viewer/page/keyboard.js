// What each key does.

import { CATEGORIES, MODES } from "./address.js";
import { neighbourOf, verticalOf } from "./navigate.js";

const MAGNIFY = 1.5;
const PAN_SHARE = 0.2;

/** Let the keys drive an App. `dialogs` are those that keep the keys to themselves while they are open. */
export function listenToKeys(app, { search, scroller, lane, help, dialogs }) {
  const everywhere = {
    "/": () => search.select(),
    "?": () => help.showModal(),
    n: () => app.nextMatch(1),
    p: () => app.nextMatch(-1),
    m: () => app.showView("merged"),
    t: () => app.showView("order"),
    i: () => app.showView("inverted"),
    b: () => app.showView("around"),
    r: () => app.change({ recursion: !app.state.recursion }),
    u: () => app.change({ cpu: !app.state.cpu }),
    w: () => app.change({ parked: !app.state.parked }),
    o: () => app.change({ palette: app.state.palette === "modules" ? "groups" : "modules" }),
    s: () => app.openSource(),
    "[": () => app.history.go(-1),
    "]": () => app.history.go(1),
    f: () => app.change({ flame: !app.state.flame }),
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
  CATEGORIES.forEach((category, number) => {
    everywhere[String(number + 1)] = () => {
      const mode = MODES[(MODES.indexOf(app.state.groups[category]) + 1) % MODES.length];
      app.setGroup(category, mode);
    };
  });

  function moves() {
    const { layout, focused, zoomed, flame } = app.flame;
    const deeper = () => app.focus(verticalOf(layout, focused, true));
    const shallower = () => app.focus(verticalOf(layout, focused, false));
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
    if (event.ctrlKey || event.metaKey || event.altKey || dialogs.some((dialog) => dialog.open) || !app.flame.layout) return;
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
