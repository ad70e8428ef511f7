// Curves and marks under the time order: what memory did meanwhile, and when garbage was collected.

import { formatDuration, formatWeight, printable } from "./format.js";

export const TRACK_PX = 46;
const INSET_PX = 4;

/** Draw a profile's tracks and marks for a FlameView, over the same stretch of time. */
export function paintTracks(canvas, profile, flame) {
  const { from, to, width, ink } = flame;
  const height = tracksHeight(profile);
  const ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = `11px ${ink.font}`;
  context.textBaseline = "top";
  const place = (time) => ((time - from) / (to - from)) * width;
  paintMarks(context, profile.marks, place, width, height, ink);
  profile.tracks.forEach((track, number) => paintTrack(context, track, place, number * TRACK_PX, width, ink));
}

/** Return the height of a profile's tracks, 0 where it has none. */
export function tracksHeight(profile) {
  return Math.max(profile.tracks.length, profile.marks.length ? 1 : 0) * TRACK_PX;
}

function paintTrack(context, { name, unit, points }, place, top, width, ink) {
  const values = points.map(([, value]) => value);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const bottom = top + TRACK_PX - INSET_PX;
  // A flat curve lies on the ground, not in mid-air.
  const level = (value) => bottom - ((value - least) / (most - least || 1)) * (TRACK_PX - 2 * INSET_PX - 12);
  context.beginPath();
  points.forEach(([time, value], index) => {
    if (index) context.lineTo(place(time), level(points[index - 1][1]));
    context.lineTo(place(time), level(value));
  });
  context.lineTo(Math.max(width, place(points.at(-1)[0])), level(values.at(-1)));
  context.strokeStyle = ink.accent;
  context.lineWidth = 1.5;
  context.stroke();
  context.lineTo(Math.max(width, place(points.at(-1)[0])), bottom);
  context.lineTo(place(points[0][0]), bottom);
  context.fillStyle = ink.curve;
  context.fill();
  context.fillStyle = ink.text;
  const range = least === most ? formatWeight(most, unit) : `${formatWeight(least, unit)} to ${formatWeight(most, unit)}`;
  context.fillText(`${printable(name)} · ${range}`, INSET_PX + 2, top + INSET_PX);
}

function paintMarks(context, marks, place, width, height, ink) {
  context.fillStyle = ink.mark;
  for (const { at, duration } of marks) {
    const left = place(at);
    if (left > width || left + 2 < 0) continue;
    context.fillRect(left, 0, Math.max(1.5, place(at + duration) - left), height);
  }
}

/** Say what stands at a time, for the line under the curves. */
export function tracksAt(profile, time) {
  const parts = profile.tracks.map(({ name, unit, points }) => {
    const point = points.findLast(([at]) => at <= time) ?? points[0];
    return `${printable(name)} ${formatWeight(point[1], unit)}`;
  });
  const mark = profile.marks.find(({ at, duration }) => at <= time && time <= at + duration);
  if (mark) parts.push(`${printable(mark.name)}, ${formatDuration(mark.duration)}`);
  return parts.join(" · ");
}

/** Sum up the tracks and marks in a sentence, for those who do not see them. */
export function tracksSentence(profile) {
  const parts = profile.tracks.map(({ name, unit, points }) => {
    const values = points.map(([, value]) => value);
    return `${printable(name)} from ${formatWeight(values[0], unit)} to ${formatWeight(values.at(-1), unit)}, at most ${formatWeight(Math.max(...values), unit)}`;
  });
  const { marks } = profile;
  const spent = marks.reduce((sum, mark) => sum + mark.duration, 0);
  if (marks.length) parts.push(`${marks.length} garbage collections, ${formatDuration(spent)} together`);
  return parts.join("; ");
}
