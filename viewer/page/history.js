// Steps back and forth, by the page's own buttons and by the browser's.

/** The states a person came through, kept by the browser. `onGo(address)` is called when one is gone back to. */
export class Steps {
  constructor(onGo) {
    this.place = history.state?.place ?? 0;
    this.last = this.place;
    window.addEventListener("popstate", (event) => {
      this.place = event.state?.place ?? 0;
      onGo(location.hash);
    });
  }

  /** Note a new address as a step of its own. */
  push(address) {
    if (address === location.hash) return;
    this.last = ++this.place;
    history.pushState({ place: this.place }, "", address || location.pathname);
  }

  /** Note what is not worth a step: a letter typed, a bit of scrolling. */
  replace(address) {
    if (address === location.hash) return;
    history.replaceState({ place: this.place }, "", address || location.pathname);
  }

  canGo(step) {
    return step < 0 ? this.place > 0 : this.place < this.last;
  }

  go(step) {
    if (this.canGo(step)) history.go(step);
  }
}
