// A colour for every module: warm for the function's own code, cool for packages, pale for the standard library.
//
// Lightness and chroma are set in OKLCH, so that no hue shouts. The groups keep apart for the common kinds of
// colour blindness by lightness and by warm against cool. A module keeps its hue from page to page: its name picks
// it, and only where two of one page pick the same does the later of the two names take the next.

// Hues, each with what it adds to its group's lightness: yellow wants more light than red.
const HUES = {
  own: [[58, 0], [84, 0.05], [40, -0.03], [96, 0.09], [28, 0.02]],
  package: [[252, 0], [300, 0.055], [212, 0.07], [335, -0.02], [272, -0.055], [190, 0.015]],
  stdlib: [[155, 0], [200, 0.02], [125, 0.01], [240, -0.01], [175, -0.035], [222, 0.04]],
  frozen: [[260, 0]],
  native: [[0, 0]],
  // Of a comparison: what takes more, less, and the same; from strong to slight. Red and blue are told apart by all.
  more: [[28, 0], [34, 0.09], [40, 0.17]],
  less: [[255, 0], [250, 0.09], [245, 0.17]],
  even: [[90, 0]],
};
const CHANGES_LIGHT = { more: [0.66, 0.17], less: [0.62, 0.13], even: [0.91, 0.005] };
const CHANGES_DARK = { more: [0.62, 0.17], less: [0.56, 0.13], even: [0.36, 0.005] };
const LIGHT = { own: [0.79, 0.115], package: [0.75, 0.09], stdlib: [0.88, 0.036], frozen: [0.8, 0.012], native: [0.87, 0.004], ...CHANGES_LIGHT };
const DARK = { own: [0.74, 0.115], package: [0.67, 0.09], stdlib: [0.43, 0.04], frozen: [0.34, 0.012], native: [0.4, 0.006], ...CHANGES_DARK };
// One colour for each group, from the palette of Okabe and Ito, which is safe for every kind of colour blindness.
const GROUP_FILLS = {
  own: [230, 159, 0],
  package: [86, 180, 233],
  stdlib: [0, 158, 115],
  frozen: [240, 228, 66],
  native: [187, 187, 187],
  more: [213, 94, 0],
  less: [0, 114, 178],
  even: [200, 200, 200],
};
const SHADES = [0, 0.02, -0.02];
const FADED_SHARE = 0.26;

/** Return {fill, fills, text, faded, fadedText} for each module, in a light or a dark theme.
 *
 * The palette "modules" tells modules apart, "groups" only whose code it is.
 */
export function moduleColours(modules, dark, palette = "modules") {
  if (palette === "groups") return modules.map(({ category }) => shades(Array(3).fill(GROUP_FILLS[category]), dark));
  const places = huePlaces(modules);
  return modules.map((module, index) => {
    const [lightness, chroma] = (dark ? DARK : LIGHT)[module.category];
    const hues = HUES[module.category];
    const [hue, more] = hues[places[index] % hues.length];
    // Beyond the hues of a group, the same come again a little lighter.
    const round = Math.floor(places[index] / hues.length) % 3;
    return colour(lightness + more + 0.03 * round, chroma, hue, dark);
  });
}

/** Return each module's place among the hues of its category. */
function huePlaces(modules) {
  const places = new Int32Array(modules.length);
  const taken = Object.fromEntries(Object.keys(HUES).map((category) => [category, new Set()]));
  const order = [...modules.keys()].sort((one, other) => (modules[one].name < modules[other].name ? -1 : 1));
  for (const index of order) {
    const { category, name, place: given } = modules[index];
    if (given !== undefined) {
      places[index] = given;
      continue;
    }
    const count = HUES[category].length;
    let place = hashOf(name) % count;
    const turns = Math.floor(taken[category].size / count);
    place += turns * count;
    while (taken[category].has(place)) place = turns * count + ((place + 1) % count);
    taken[category].add(place);
    places[index] = place;
  }
  return places;
}

/** FNV-1a, 32 bits. */
function hashOf(text) {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

function colour(lightness, chroma, hue, dark) {
  // Three shades, so that neighbours of one module can be told apart.
  return shades(
    SHADES.map((step) => oklchToRgb(lightness + step, chroma, hue)),
    dark,
  );
}

function shades(fills, dark) {
  const [fill] = fills;
  const background = dark ? [23, 26, 33] : [255, 255, 255];
  const mixed = fill.map((part, index) => Math.round(part * FADED_SHARE + background[index] * (1 - FADED_SHARE)));
  return {
    fill: css(fill),
    fills: fills.map(css),
    faded: css(mixed),
    text: luminance(fill) > 0.18 ? "#0d0f13" : "#ffffff",
    fadedText: dark ? "#b3bbc9" : "#565e69",
  };
}

const css = ([red, green, blue]) => `rgb(${red}, ${green}, ${blue})`;

/** OKLCH to sRGB, clipped (B. Ottosson, "A perceptual color space for image processing"). */
function oklchToRgb(lightness, chroma, hue) {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((value) => {
    const gamma = value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055;
    return Math.round(255 * Math.min(1, Math.max(0, gamma)));
  });
}

/** Relative luminance, WCAG 2. */
export function luminance(rgb) {
  const [red, green, blue] = rgb.map((part) => {
    const value = part / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
