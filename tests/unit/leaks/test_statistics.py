"""Against scipy 1.17's kendalltau, theilslopes, t.sf, combine_pvalues and false_discovery_control."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.leaks import statistics

YS = [3, 5, 2, 8, 8, 6, 9, 12, 11, 14, 13, 15]
XS = [1, 2, 4, 7, 8, 9, 12, 13, 15, 20, 21, 25]


def test_mann_kendall_with_a_tie():
    # By hand: S = 53; variance (12·11·29 - 2·1·9) / 18; z = 52 / sqrt(variance).
    assert statistics.kendall_s(YS) == 53
    assert statistics.kendall_variance(YS) == pytest.approx(211.6666667)
    assert statistics.mann_kendall(YS) == pytest.approx(0.000175659793)


def test_mann_kendall_is_one_sided_and_refuses_few_points():
    assert statistics.mann_kendall(YS[::-1]) > 0.999
    assert statistics.mann_kendall([5] * 30) == 1.0
    assert statistics.mann_kendall(range(9)) == 1.0
    assert statistics.mann_kendall(range(10)) < 0.001


def test_theil_sen_over_uneven_steps():
    slope = statistics.theil_sen(XS, YS)
    assert (slope.value, slope.low, slope.high) == pytest.approx((0.5, 0.384615385, 0.666666667))
    slope = statistics.theil_sen(XS, YS, confidence=0.9)
    assert (slope.low, slope.high) == pytest.approx((0.4, 0.636363636))


def test_theil_sen_thins_what_is_long():
    slope = statistics.theil_sen(range(5000), [3 * x for x in range(5000)])
    assert (slope.value, slope.low, slope.high) == (3, 3, 3)
    with pytest.raises(ValueError, match="two points"):
        statistics.theil_sen([1], [1])


@pytest.mark.parametrize(
    ("t", "freedom", "tail"),
    [
        (2.5, 6, 0.02326411614),
        (-1.2, 7, 0.86541403159),
        (4.0, 1, 0.07797913038),
        (3.0, 2, 0.04773298313),
        (1.0, 3, 0.19550110948),
        (10, 6, 2.89599138e-05),
        (0, 5, 0.5),
    ],
)
def test_student(t, freedom, tail):
    assert statistics.student_t_upper_tail(t, freedom) == pytest.approx(tail)


def test_drift_of_block_means():
    # scipy: ttest_1samp([4, 10/3, 10/3], 0, alternative="greater")
    assert statistics.drift(YS, blocks=4) == pytest.approx(0.00194175495)
    assert statistics.drift(range(40)) == 0.0
    assert statistics.drift([7] * 40) == 1.0
    assert statistics.drift([1, 2]) == 1.0


def test_fisher():
    assert statistics.fisher([0.02, 0.3, 0.07]) == pytest.approx(0.016381074)
    assert statistics.fisher([0.5]) == pytest.approx(0.5)
    assert statistics.fisher([0.0, 0.5]) == 0.0
    assert statistics.fisher([1.0, 1.0]) == 1.0


def test_benjamini_hochberg():
    adjusted = statistics.benjamini_hochberg([0.001, 0.04, 0.03, 0.2, 0.005])
    assert adjusted == pytest.approx([0.005, 0.05, 0.05, 0.2, 0.0125])
    assert statistics.benjamini_hochberg([]) == []


@given(st.lists(st.integers(-20, 20), max_size=40))
def test_s_is_the_sum_over_all_pairs(values):
    pairs = [(a, b) for i, a in enumerate(values) for b in values[i + 1 :]]
    assert statistics.kendall_s(values) == sum((b > a) - (b < a) for a, b in pairs)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_adjusted_p_values_keep_their_order_and_never_fall(p_values):
    adjusted = statistics.benjamini_hochberg(p_values)
    assert all(a >= p or math.isclose(a, p) for a, p in zip(adjusted, p_values, strict=True))
    assert max(adjusted) <= 1


@given(st.lists(st.integers(), max_size=50), st.integers(1, 10))
def test_cutting_loses_nothing(values, parts):
    pieces = statistics.cut(values, parts)
    assert [value for piece in pieces for value in piece] == values
    assert all(pieces)


@given(st.integers(2, 2000))
def test_thinning_keeps_both_ends(count):
    thinned = statistics.thin(range(count), 30)
    assert thinned[0] == 0
    assert thinned[-1] == count - 1
    assert len(set(thinned)) == min(count, 30)
