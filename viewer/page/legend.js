// What the colours mean, how much of the lane each module took, and which groups are shown, folded or hidden.

import { MODES } from "./address.js";
import { formatShare, printable } from "./format.js";

const GROUPS = {
  own: "Own code",
  package: "Packages",
  stdlib: "Standard library",
  frozen: "<frozen>",
  native: "Native",
  more: "Takes more",
  less: "Takes less",
  even: "The same",
};
const MOST_MODULES = 12;
const MODE_WORDS = { show: "shown", fold: "folded", hide: "hidden" };

/** Return the self weight of each module, from the rows of `functionTotals`. */
export function moduleWeights(totals, frames, moduleCount) {
  const weights = new Float64Array(moduleCount);
  for (const { frame, self } of totals) weights[frames[frame].module] += self;
  return weights;
}

/** Fill a list with the modules by group and weight.
 *
 * `groups` says how each category is shown. `onChoose(module)` is called when a module is clicked,
 * `onMode(category, mode)` when a group is to be shown otherwise.
 */
export function showLegend(list, { modules, weights, total, colours, groups, onChoose, onMode }) {
  const largest = [...weights.keys()].filter((module) => weights[module] > 0);
  largest.sort((one, other) => weights[other] - weights[one]);
  const shown = new Set(largest.slice(0, MOST_MODULES));
  const focused = document.activeElement?.id;
  list.replaceChildren();
  for (const [category, title] of Object.entries(GROUPS)) {
    const members = largest.filter((module) => modules[module].category === category);
    if (!modules.some((module) => module.category === category)) continue;
    const group = document.createElement("li");
    const sum = members.reduce((weight, module) => weight + weights[module], 0);
    group.append(labelled("group", title, formatShare(sum, total)), modeSelect(category, title, groups[category], onMode));
    for (const module of members.filter((member) => shown.has(member))) {
      group.append(moduleButton(modules[module], colours[module], formatShare(weights[module], total), onChoose));
    }
    list.append(group);
  }
  if (focused?.startsWith("mode-")) document.getElementById(focused)?.focus();
}

function modeSelect(category, title, mode, onMode) {
  const select = document.createElement("select");
  select.id = `mode-${category}`;
  select.className = "mode";
  select.setAttribute("aria-label", `${title} is`);
  select.title = "folded: one box for each module that is entered; hidden: counted as the caller's own";
  for (const name of MODES) select.append(new Option(MODE_WORDS[name], name, false, name === mode));
  select.addEventListener("change", () => onMode(category, select.value));
  return select;
}

function moduleButton(module, colours, share, onChoose) {
  const button = document.createElement("button");
  button.type = "button";
  const swatch = document.createElement("span");
  swatch.className = "swatch";
  swatch.style.backgroundColor = colours.fill;
  button.append(swatch, labelled("", printable(module.name), share));
  button.title = `Search ${printable(module.name)}`;
  button.addEventListener("click", () => onChoose(module));
  return button;
}

function labelled(kind, text, share) {
  const label = document.createElement("span");
  label.className = kind;
  const number = document.createElement("span");
  number.className = "legend-share";
  number.textContent = share;
  label.append(`${text} `, number);
  return label;
}
