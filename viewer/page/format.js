// Numbers as people read them.

/** Three significant digits, without an exponent. */
function threeDigits(value) {
  const size = Math.abs(value);
  return size >= 99.95 ? value.toFixed(0) : size >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

/** A duration given in nanoseconds. */
export function formatDuration(nanoseconds) {
  const size = Math.abs(nanoseconds);
  if (size >= 0.9995e9) return `${threeDigits(nanoseconds / 1e9)} s`;
  if (size >= 0.9995e6) return `${threeDigits(nanoseconds / 1e6)} ms`;
  if (size >= 999.5) return `${threeDigits(nanoseconds / 1e3)} µs`;
  return `${nanoseconds.toFixed(0)} ns`;
}

/** A number of bytes (1 KB = 1024 B). */
export function formatBytes(count) {
  let value = count;
  for (const unit of ["B", "KB", "MB", "GB"]) {
    if (Math.abs(value) < 1024) return unit === "B" ? `${Math.round(value)} B` : `${threeDigits(value)} ${unit}`;
    value /= 1024;
  }
  return `${threeDigits(value)} TB`;
}

/** A weight in a lane's unit. */
export function formatWeight(value, unit) {
  if (unit === "nanoseconds") return formatDuration(value);
  if (unit === "bytes") return formatBytes(value);
  return value.toLocaleString("en");
}

/** A share of a whole. */
export function formatShare(part, whole) {
  if (!(whole > 0)) return "0 %";
  const share = (100 * part) / whole;
  return share > 0 && share < 0.1 ? "< 0.1 %" : `${share.toFixed(1)} %`;
}

/** A place on the time axis, in the unit of its far end and no finer than its steps; all in nanoseconds. */
export function formatTick(value, step, farthest) {
  const [size, unit] = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]].find(([least]) => farthest >= least) ?? [1, "ns"];
  const decimals = Math.max(0, -Math.floor(Math.log10(step / size) + 1e-9));
  return value === 0 ? "0" : `${(value / size).toFixed(decimals)} ${unit}`;
}

/** Text that shows its control characters instead of obeying them. */
export function printable(text) {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}

/** Steps of 1, 2 or 5 × 10ⁿ that cut a span into at most `count` parts. */
export function tickStep(span, count) {
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const digit = rough / power;
  return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
}
