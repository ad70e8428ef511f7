// What the mouse does over the picture.

const WHEEL_PER_DOUBLING_PX = 300;

/** Let the pointer drive an App: hover tells, a click zooms, Ctrl and wheel magnify, a sideways wheel pans. */
export function listenToPointer(app, canvas, scroller) {
  const boxOf = (event) => app.flame.at(event.offsetX, event.offsetY);
  canvas.addEventListener("pointermove", (event) => {
    // A finger hides what it points at: a tap zooms, and the line below the picture tells.
    if (event.pointerType !== "touch") app.point(boxOf(event), event.clientX, event.clientY);
  });
  canvas.addEventListener("pointerleave", () => app.point(-1));
  scroller.addEventListener("scroll", () => app.point(-1));
  canvas.addEventListener("click", (event) => {
    const box = boxOf(event);
    if (box < 0) return;
    app.point(-1);
    app.zoom(box);
  });
  canvas.addEventListener(
    "wheel",
    (event) => {
      const sideways = event.shiftKey && !event.deltaX ? event.deltaY : event.deltaX;
      if (event.ctrlKey || event.metaKey) app.magnify(2 ** (-event.deltaY / WHEEL_PER_DOUBLING_PX), event.offsetX);
      else if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) app.pan(sideways);
      else return;
      event.preventDefault();
      app.point(-1);
    },
    { passive: false },
  );
}
