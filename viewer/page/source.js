// Where a function is written: a link to the repository, or the text itself where the page carries it.

import { printable } from "./format.js";

/** Return an element that shows a frame's location: plain text, a link, or a button that opens the source. */
export function locationOf(profile, index, onOpen) {
  const text = printable(profile.frames[index].location);
  if (profile.sources.places[index]) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "place";
    button.textContent = text;
    button.title = "Show the source";
    button.addEventListener("click", () => onOpen(index));
    return button;
  }
  const link = profile.links[index];
  if (link) {
    return Object.assign(document.createElement("a"), {
      href: link,
      target: "_blank",
      rel: "noopener noreferrer",
      className: "place",
      textContent: text,
    });
  }
  return document.createTextNode(text);
}

/** Show the source of a frame in a dialog, its line marked. */
export function showSource(dialog, profile, index) {
  const [file, line] = profile.sources.places[index];
  const { name, location } = profile.frames[index];
  dialog.querySelector("h2").textContent = `${printable(name)}  ${printable(location)}`;
  const link = dialog.querySelector("a");
  link.hidden = !profile.links[index];
  if (profile.links[index]) link.href = profile.links[index];
  const lines = profile.sources.texts[file].split("\n").map((text, number) => {
    const row = document.createElement("li");
    row.textContent = text.replace(/\r$/, "") || " ";
    if (number + 1 === line) row.setAttribute("aria-current", "true");
    return row;
  });
  dialog.querySelector("ol").replaceChildren(...lines);
  dialog.showModal();
  lines[line - 1]?.scrollIntoView({ block: "center" });
}
