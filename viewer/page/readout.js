// Where words about boxes appear: the tip at the pointer, the line under the picture, the path above it.

import { pathTo } from "./navigate.js";

const BESIDE_PX = 16;
const EDGE_PX = 8;

/** Show a tip for a box beside a point of the window; hide it for box -1. */
export function showTip(tip, words, box, x, y) {
  tip.hidden = box < 0;
  if (box < 0) return;
  const [name, numbers, everywhere, location] = tip.children;
  name.textContent = words.name(box);
  numbers.textContent = words.numbers(box);
  everywhere.textContent = words.everywhere(box);
  location.textContent = words.location(box);
  const { offsetWidth: width, offsetHeight: height } = tip;
  const below = y + BESIDE_PX + height + EDGE_PX < innerHeight;
  tip.style.left = `${Math.max(EDGE_PX, Math.min(x + BESIDE_PX, innerWidth - width - EDGE_PX))}px`;
  tip.style.top = `${below ? y + BESIDE_PX : Math.max(EDGE_PX, y - height - BESIDE_PX / 2)}px`;
}

/** Fill the line under the picture; `parts` are its elements by what they show. */
export function showDetail(parts, words, box) {
  for (const [part, element] of Object.entries(parts)) element.textContent = words[part](box);
}

/** Show the way from the root to a box as buttons. */
export function showPath(list, words, box, onChoose) {
  const items = pathTo(words.layout, box).map((at, place) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = place || words.frame(at) ? words.name(at) : "All";
    if (at === box) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => onChoose(at));
    item.append(button);
    return item;
  });
  list.replaceChildren(...items);
  list.scrollLeft = list.scrollWidth;
}
