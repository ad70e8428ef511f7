// A colour for every module: warm for the function's own code, cool for packages, pale for the standard library.
//
// Hues keep apart for the common kinds of colour blindness (warm against cool, and by lightness); the text on
// a box is chosen for contrast.

const OWN_HUES = [28, 42, 14, 54];
const STDLIB_HUES = [215, 160, 265, 110, 320, 190];
const PACKAGE_HUES = [205, 255, 175, 300, 230, 150];

/** Return {fill, fills, text, faded, fadedText} for each module, in a light or a dark theme. */
export function moduleColours(modules, dark) {
  const seen = { own: 0, package: 0, stdlib: 0 };
  return modules.map((module) => {
    if (module.category === "own") return colour(OWN_HUES[seen.own++ % OWN_HUES.length], 82, dark ? 58 : 64, dark);
    if (module.category === "package") {
      const place = seen.package++;
      const hue = PACKAGE_HUES[place % PACKAGE_HUES.length];
      return colour(hue, 42, (dark ? 62 : 72) + (place >= PACKAGE_HUES.length ? 8 : 0), dark);
    }
    if (module.category === "stdlib") {
      return colour(STDLIB_HUES[seen.stdlib++ % STDLIB_HUES.length], 20, dark ? 29 : 80, dark);
    }
    return colour(0, 0, dark ? 30 : 84, dark);
  });
}

function colour(hue, saturation, lightness, dark) {
  const fill = hslToRgb(hue, saturation / 100, lightness / 100);
  const background = dark ? [23, 26, 33] : [255, 255, 255];
  const mix = (share) => fill.map((part, index) => Math.round(part * share + background[index] * (1 - share)));
  return {
    fill: css(fill),
    // Three shades, so that neighbours of one module can be told apart.
    fills: [0, 0.03, 0.06].map((step) => css(hslToRgb(hue, saturation / 100, lightness / 100 + step))),
    faded: css(mix(0.32)),
    text: luminance(fill) > 0.18 ? "#0d0f13" : "#ffffff",
    fadedText: dark ? "#8b93a1" : "#6d7480",
  };
}

const css = ([red, green, blue]) => `rgb(${red}, ${green}, ${blue})`;

function hslToRgb(hue, saturation, lightness) {
  const spread = saturation * Math.min(lightness, 1 - lightness);
  const part = (offset) => {
    const place = (offset + hue / 30) % 12;
    return Math.round(255 * (lightness - spread * Math.max(-1, Math.min(place - 3, 9 - place, 1))));
  };
  return [part(0), part(8), part(4)];
}

/** Relative luminance, WCAG 2. */
export function luminance(rgb) {
  const [red, green, blue] = rgb.map((part) => {
    const value = part / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
