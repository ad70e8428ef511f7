// The page's state as the text behind `#`, so that what somebody sees can be sent, kept and gone back to.

export const CATEGORIES = ["own", "package", "stdlib", "frozen", "native", "more", "less", "even"];
export const MODES = ["show", "fold", "hide"];
export const VIEWS = ["order", "merged", "inverted", "around"];
export const PALETTES = ["modules", "groups"];

/** Return the state of a page just opened. */
export function firstState() {
  return {
    lane: 0,
    view: "merged",
    subject: -1,
    groups: Object.fromEntries(CATEGORIES.map((category) => [category, "show"])),
    recursion: false,
    cpu: false,
    parked: false,
    flame: false,
    palette: "modules",
    query: "",
    box: 0,
    range: null,
  };
}

/** Return a state's address; what is as in the first state is left out. */
export function addressOf(state) {
  const fields = new URLSearchParams();
  const first = firstState();
  for (const name of ["lane", "view", "palette", "query", "box"]) {
    if (state[name] !== first[name]) fields.set(name, state[name]);
  }
  if (state.view === "around") fields.set("subject", state.subject);
  for (const name of ["recursion", "cpu", "parked", "flame"]) if (state[name]) fields.set(name, "1");
  for (const category of CATEGORIES) {
    if (state.groups[category] !== "show") fields.set(category, state.groups[category]);
  }
  if (state.range) fields.set("range", state.range.map((end) => Math.round(end)).join("-"));
  const text = fields.toString();
  return text && `#${text}`;
}

/** Return the state of an address, made to fit the profile: it may have been typed, or cut off in a mail. */
export function stateOf(address, profile) {
  const fields = new URLSearchParams(address.replace(/^#/, ""));
  const state = firstState();
  const number = (name, end) => {
    const value = Number(fields.get(name) ?? NaN);
    return Number.isInteger(value) && value >= 0 && value < end ? value : state[name];
  };
  const choice = (name, choices, otherwise) => (choices.includes(fields.get(name)) ? fields.get(name) : otherwise);
  state.lane = number("lane", profile.lanes.length);
  state.subject = number("subject", profile.frames.length);
  state.view = choice("view", VIEWS, state.view);
  if (state.view === "around" && state.subject < 0) state.view = "merged";
  state.palette = choice("palette", PALETTES, state.palette);
  for (const name of ["recursion", "cpu", "parked", "flame"]) state[name] = fields.get(name) === "1";
  for (const category of CATEGORIES) state.groups[category] = choice(category, MODES, "show");
  state.query = fields.get("query") ?? "";
  state.box = number("box", Infinity);
  const range = /^(\d{1,18})-(\d{1,18})$/.exec(fields.get("range") ?? "");
  if (range && Number(range[1]) < Number(range[2])) state.range = [Number(range[1]), Number(range[2])];
  return state;
}

/** Return whether an address is one of these, and not the name of a place in the page. */
export function isAddress(address) {
  return address === "" || address === "#" || address.includes("=");
}
