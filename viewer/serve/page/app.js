// From the functions of the store to what the chosen invocations did. The server is asked for new ones every two seconds.

import { Plot, durationText } from "./plot.js";

const LOOK_MS = 2000;
const $ = (id) => document.getElementById(id);
const state = { name: "", total: 0, outcomes: [], choice: "", before: null, page: 0, timer: 0, turn: 0 };
const plot = new Plot($("plot"), (rectangle) => choose(rectangle ? { ...rectangle } : null));

async function get(path, parameters) {
  const response = await fetch(`${path}?${new URLSearchParams(parameters)}`);
  if (!response.ok) throw new Error((await response.text()).trim() || response.statusText);
  return response.json();
}

function decoded(text, Kind) {
  const binary = atob(text);
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  return new Kind(bytes.buffer);
}

async function start() {
  const { store, functions } = await get("api/functions", {});
  $("store").textContent = store;
  $("function").replaceChildren(...functions.map((name) => new Option(name, name)));
  if (!functions.length) {
    $("live").textContent = "no captures yet";
    setTimeout(start, LOOK_MS);
    return;
  }
  const asked = new URLSearchParams(location.hash.slice(1)).get("function");
  await show(functions.includes(asked) ? asked : functions[0]);
}

async function show(name) {
  clearTimeout(state.timer);
  Object.assign(state, { name, total: 0, choice: "", before: null, page: 0, turn: state.turn + 1 });
  $("function").value = name;
  location.replace(`#${new URLSearchParams({ function: name })}`);
  plot.clear();
  $("answer").hidden = true;
  await look(state.turn);
  choose(null);
}

/** Fetch what is new, and look again in a while. */
async function look(turn) {
  try {
    const found = await get("api/invocations", { function: state.name, from: state.total });
    if (turn !== state.turn) return;
    const fresh = found.total - state.total;
    state.total = found.total;
    state.outcomes = found.outcomes;
    if (fresh) {
      plot.add(decoded(found.started, Float64Array), decoded(found.duration, Float32Array), decoded(found.flags, Uint8Array));
      if (!state.choice) choose(null);
    }
    $("live").textContent = `${found.total.toLocaleString("en")} captured · live`;
  } catch (error) {
    $("live").textContent = error.message;
  }
  state.timer = setTimeout(() => look(turn), LOOK_MS);
}

/** Choose a rectangle with, perhaps, only cold starts or some outcomes; null is everything. */
function choose(rectangle) {
  plot.chosen = rectangle && rectangle.to !== undefined ? rectangle : null;
  const { from = "", to = "", shortest = "", longest = "", starts = "", outcomes = "" } = rectangle ?? {};
  state.choice = rectangle ? [from, to, shortest, longest, starts, outcomes].join(",") : "";
  state.page = 0;
  plot.draw();
  rows();
}

async function rows() {
  const { choice, turn } = state;
  try {
    const order = $("order").value;
    const found = await get("api/rows", { function: state.name, choice, order, page: state.page });
    if (choice !== state.choice || turn !== state.turn) return;
    $("rows").replaceChildren(...found.rows.map(row));
    const last = Math.max(1, Math.ceil(found.total / found.size));
    $("page").textContent = `page ${(state.page + 1).toLocaleString("en")} of ${last.toLocaleString("en")}`;
    $("back").disabled = state.page === 0;
    $("next").disabled = state.page + 1 >= last;
    chosen(found.total);
  } catch (error) {
    $("rows").replaceChildren();
    chosen(0, error.message);
  }
}

function chosen(count, message) {
  const whole = state.choice ? "chosen" : "in all: drag in the picture to choose some";
  const text = message ?? `${count.toLocaleString("en")} ${count === 1 ? "invocation" : "invocations"} ${whole}`;
  $("chosen").textContent = state.before === null ? text : `${text} · before is set`;
  $("flame").disabled = $("before").disabled = count === 0;
  $("compare").disabled = count === 0 || state.before === null;
}

function row(one) {
  const line = document.createElement("tr");
  const open = document.createElement("button");
  open.type = "button";
  open.textContent = new Date(one.started_ms).toISOString().replace("T", " ").slice(0, 23);
  open.addEventListener("click", () => answer("One invocation", "capture", { function: state.name, path: one.path }));
  line.append(
    cell(open),
    cell(durationText(one.duration_ms), "number"),
    cell(one.outcome, `outcome-${one.outcome}`),
    cell(one.cold ? "cold" : "warm"),
    cell(one.sequence.toLocaleString("en"), "number"),
    cell(one.environment, "mono"),
    cell(one.request, "mono"),
  );
  return line;
}

function cell(content, kind = "") {
  const made = document.createElement("td");
  made.className = kind;
  made.append(content);
  return made;
}

/** Show a page of the server under the list. */
function answer(title, path, parameters) {
  const address = `${path}?${new URLSearchParams(parameters)}`;
  $("what").textContent = title;
  $("answer").hidden = false;
  $("alone").href = address;
  $("error").hidden = true;
  $("frame").hidden = false;
  $("frame").src = address;
  $("answer").scrollIntoView({ block: "nearest" });
}

/** Show in words what could not be answered: the server then says one line of text. */
function answered() {
  const page = $("frame").contentDocument;
  if (page?.contentType !== "text/plain") return;
  $("error").textContent = page.body.textContent.trim();
  $("error").hidden = false;
  $("frame").hidden = true;
}

const CHOICES = {
  all: () => null,
  cold: () => ({ starts: "cold" }),
  failed: () => ({ outcomes: state.outcomes.filter((outcome) => outcome !== "ok").join("+") }),
  slowest: () => {
    const ordered = Float64Array.from(plot.duration).sort();
    const least = ordered[Math.max(0, ordered.length - Math.max(1, Math.round(ordered.length / 100)))];
    return plot.range && { from: plot.range.from, to: plot.range.to, shortest: least, longest: 10 ** plot.range.high };
  },
};
for (const button of document.querySelectorAll("[data-choose]")) {
  button.addEventListener("click", () => choose(CHOICES[button.dataset.choose]()));
}
$("function").addEventListener("change", () => show($("function").value));
$("order").addEventListener("change", () => ((state.page = 0), rows()));
$("back").addEventListener("click", () => (state.page--, rows()));
$("next").addEventListener("click", () => (state.page++, rows()));
$("frame").addEventListener("load", answered);
$("close").addEventListener("click", () => (($("answer").hidden = true), ($("frame").src = "about:blank")));
$("flame").addEventListener("click", () => answer("Flame graph", "flamegraph", { function: state.name, choice: state.choice }));
$("before").addEventListener("click", () => ((state.before = state.choice), rows()));
$("compare").addEventListener("click", () =>
  answer("Compared", "diff", { function: state.name, before: state.before, after: state.choice }),
);
$("leaks").addEventListener("click", () => answer("Leaks", "leaks", { function: state.name }));
$("legend").replaceChildren(
  ...[["ok", "ok"], ["cold", "cold"], ["error", "error"], ["timeout", "time-out"], ["memory", "out of memory, crashed"]].map(([kind, text]) => {
    const item = document.createElement("span");
    const mark = document.createElement("i");
    mark.className = kind;
    item.append(mark, text);
    return item;
  }),
);
start().catch((error) => ($("live").textContent = error.message));
