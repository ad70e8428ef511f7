"""One finding as two drawings: how the subject grew, and when the memory limit will be reached.

SVG without a script. Colours come from the page's style sheet, by class.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from statistics import median

from viewer.leaks.report import Curve, Finding
from viewer.leaks.reports import words
from viewer.units import printable, size

WIDTH, HEIGHT = 560, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 16, 22, 34
_TICKS = 4
# Between two environments, as a share of what each is wide on average.
_GAP = 0.06
_MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Axes:
    """From values to points of a drawing; both axes are linear."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float

    def x(self, value: float) -> float:
        return _LEFT + (value - self.x_low) / ((self.x_high - self.x_low) or 1) * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        share = (value - self.y_low) / ((self.y_high - self.y_low) or 1)
        return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)


def growth(finding: Finding) -> str:
    """Return the drawing of a subject's sizes, with the line that was fitted to them and its band.

    Environments stand beside each other in the order of their cold starts; the fit is that of the one
    that decided.
    """
    deciding = finding.curves[0]
    curves = sorted(finding.curves, key=lambda curve: (curve.started_at_ns, curve.environment))
    starts = _starts(curves)
    highest = max(max(curve.values) for curve in curves)
    lowest = min(min(curve.values) for curve in curves)
    last = starts[-1] + curves[-1].invocations[-1]
    floor_ = 0.0 if lowest < highest / 2 else lowest - (highest - lowest) * 0.15
    axes = Axes(0, last, floor_, highest + (highest - floor_) * 0.06)
    parts = [*_y_axis(axes, finding.unit), *_x_axis(axes, curves, starts)]
    for curve, start in zip(curves, starts, strict=True):
        if curve is deciding:
            parts += _fit(axes, finding, curve, start)
    for curve, start in zip(curves, starts, strict=True):
        parts += _points(axes, curve, start)
    title = f"{finding.subject}, {finding.unit}"
    return _svg(title, words.sentence(finding), parts)


def forecast(finding: Finding) -> str:
    """Return the drawing of resident memory up to its limit; empty where that is not known."""
    left, limit = finding.invocations_left, finding.limit_bytes
    memory = finding.memory
    if left is None or limit is None or not memory.values or finding.bytes_per_invocation is None:
        return ""
    now, rss = memory.invocations[-1], memory.values[-1]
    end = now + left
    axes = Axes(0, end * 1.04, 0, limit * 1.12)
    y_limit = axes.y(limit)
    parts = [
        *_y_axis(axes, "bytes"),
        _text(axes.x(0), HEIGHT - _BOTTOM + 15, "0", "tick", "middle"),
        _text(axes.x(end), HEIGHT - _BOTTOM + 15, f"about {words.rounded(end):,}", "tick", "end"),
        _text((_LEFT + WIDTH) / 2, HEIGHT - 5, "invocations of an environment", "label", "middle"),
        _line(_LEFT, y_limit, WIDTH - _RIGHT, y_limit, "limit"),
        _text(WIDTH - _RIGHT, y_limit - 5, f"limit {limit // _MEGABYTE:,} MB", "limit-label", "end"),
        _line(axes.x(now), axes.y(rss), axes.x(end), y_limit, "forecast"),
        _path(
            [(axes.x(x), axes.y(y)) for x, y in zip(memory.invocations, memory.values, strict=True)], "series"
        ),
        f'<circle class="end" cx="{axes.x(end):.1f}" cy="{y_limit:.1f}" r="4"/>',
        f'<circle class="now" cx="{axes.x(now):.1f}" cy="{axes.y(rss):.1f}" r="4"/>',
        _text(axes.x(now) + 8, axes.y(rss) + 14, f"now {size(rss)}", "now-label", "start"),
    ]
    return _svg("resident memory", words.until_the_limit(finding), parts)


# ---- parts -------------------------------------------------------------------------------------


def _starts(curves: Sequence[Curve]) -> list[float]:
    """Return where each environment begins on the common axis."""
    spans = [curve.invocations[-1] for curve in curves]
    gap = sum(spans) / len(spans) * _GAP
    starts = [0.0]
    for span in spans[:-1]:
        starts.append(starts[-1] + span + gap)
    return starts


def _points(axes: Axes, curve: Curve, start: float) -> Iterator[str]:
    points = [(axes.x(start + x), axes.y(y)) for x, y in zip(curve.invocations, curve.values, strict=True)]
    yield _path(points, "series")
    if len(points) <= 80:
        yield from (f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="2"/>' for x, y in points)


def _fit(axes: Axes, finding: Finding, curve: Curve, start: float) -> Iterator[str]:
    """Yield Theil and Sen's line through the medians, between the two ends of its confidence interval."""
    slope = finding.slope
    x_middle, y_middle = median(curve.invocations), median(curve.values)
    x_low, x_high = curve.invocations[0], curve.invocations[-1]

    def at(x: float, value: float) -> tuple[float, float]:
        y = min(max(y_middle + value * (x - x_middle), axes.y_low), axes.y_high)
        return axes.x(start + x), axes.y(y)

    band = [at(x_low, slope.high), (axes.x(start + x_middle), axes.y(y_middle)), at(x_high, slope.low)]
    band += [at(x_high, slope.high), (axes.x(start + x_middle), axes.y(y_middle)), at(x_low, slope.low)]
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in band)
    yield f'<polygon class="band" points="{corners}"/>'
    (x1, y1), (x2, y2) = at(x_low, slope.value), at(x_high, slope.value)
    yield _line(x1, y1, x2, y2, "fit")


def _y_axis(axes: Axes, unit: str) -> Iterator[str]:
    for value in ticks(axes.y_low, axes.y_high, by_1024=unit == "bytes"):
        y = axes.y(value)
        yield _line(_LEFT, y, WIDTH - _RIGHT, y, "grid")
        yield _text(_LEFT - 7, y + 4, _round(words.amount(value, unit)), "tick", "end")


def _x_axis(axes: Axes, curves: Sequence[Curve], starts: Sequence[float]) -> Iterator[str]:
    yield _line(_LEFT, HEIGHT - _BOTTOM, WIDTH - _RIGHT, HEIGHT - _BOTTOM, "axis")
    for number, (curve, start) in enumerate(zip(curves, starts, strict=True)):
        x = axes.x(start)
        yield _line(x, _TOP - 8, x, HEIGHT - _BOTTOM, "cold")
        if number == 0 or len(curves) <= 3:
            yield _text(x + 4, _TOP - 9, "cold start", "cold-label", "start")
        if len(curves) <= 4:
            end = curve.invocations[-1]
            yield _text(axes.x(start + end), HEIGHT - _BOTTOM + 15, f"{end:,}", "tick", "end")
    label = "invocations" if len(curves) == 1 else f"invocations, {len(curves)} environments"
    yield _text((_LEFT + WIDTH) / 2, HEIGHT - 5, label, "label", "middle")


def ticks(low: float, high: float, *, by_1024: bool = False) -> list[float]:
    """Return round values between two others, about four of them; of bytes round in KB, MB and so on."""
    span = high - low
    if span <= 0:
        return [low]
    unit = 1.0
    if by_1024:
        while span / unit >= 1024 * 2:
            unit *= 1024
    step = span / unit / _TICKS
    magnitude = 10.0 ** floor(log10(step))
    step = next(factor for factor in (1, 2, 5, 10) if factor * magnitude >= step) * magnitude * unit
    if not by_1024:
        step = max(step, 1.0)
    first = ceil(low / step)
    return [number * step for number in range(first, floor(high / step) + 1)]


def _round(shown: str) -> str:
    """Return an amount without the zeros after its point: `50 MB`."""
    number, space, unit = shown.partition(" ")
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number}{space}{unit}"


def _svg(title: str, description: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(printable(title))}">'
        f"<desc>{escape(printable(description))}</desc>{''.join(parts)}</svg>"
    )


def _path(points: Sequence[tuple[float, float]], name: str) -> str:
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="{name}" points="{corners}"/>'


def _line(x1: float, y1: float, x2: float, y2: float, name: str) -> str:
    return f'<line class="{name}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, shown: str, name: str, anchor: str) -> str:
    return f'<text class="{name}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(shown)}</text>'
