// What the colours mean, and how much of the lane each module took.

import { formatShare, printable } from "./format.js";

const GROUPS = { own: "Own code", package: "Packages", stdlib: "Standard library", native: "Native", more: "Takes more", less: "Takes less", even: "The same" };
const MOST_MODULES = 12;

/** Return the self weight of each module in a layout. */
export function moduleWeights(layout, frames, moduleCount) {
  const weights = new Float64Array(moduleCount);
  for (let box = 1; box < layout.count; box++) weights[frames[layout.frame[box]].module] += layout.self[box];
  return weights;
}

/** Fill a list with the modules by group and weight. `onChoose(module)` is called when one is clicked. */
export function showLegend(list, modules, weights, total, colours, onChoose) {
  const largest = [...weights.keys()].filter((module) => weights[module] > 0);
  largest.sort((one, other) => weights[other] - weights[one]);
  const shown = new Set(largest.slice(0, MOST_MODULES));
  list.replaceChildren();
  for (const [category, title] of Object.entries(GROUPS)) {
    const members = largest.filter((module) => modules[module].category === category);
    if (!members.length) continue;
    const group = document.createElement("li");
    const sum = members.reduce((weight, module) => weight + weights[module], 0);
    group.append(labelled("group", title, formatShare(sum, total)));
    for (const module of members.filter((member) => shown.has(member))) {
      group.append(moduleButton(modules[module], colours[module], formatShare(weights[module], total), onChoose));
    }
    list.append(group);
  }
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
