// Light or dark: the system's choice until a person makes another.

/** Return whether the page is dark now. */
export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Change to the other theme. */
export function toggleTheme() {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
}

/** Call back when the system's choice changes. */
export function onSystemTheme(callback) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", callback);
}
