"""Random numbers are those of SplitMix64, bit for bit, and what is drawn follows its table."""

from __future__ import annotations

import numpy as np

from headgate.simulation import tables
from headgate.simulation.draws import Draws, Spread, key, mixed
from headgate.simulation.tables import Table


def test_the_numbers_are_those_of_splitmix64() -> None:
    # The generator's published test vector for the seed 1234567.
    draws = Draws()
    draws._at = 1234567
    assert draws.raw(3).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]
    assert draws.raw(2).tolist() == [4593380528125082431, 16408922859458223821]


def test_one_number_is_scrambled_as_many_are() -> None:
    draws = Draws("a", 3)
    start = draws._at
    assert draws.raw(1)[0] == mixed((start + 0x9E3779B97F4A7C15) & (1 << 64) - 1)


def test_keys_tell_their_parts_apart() -> None:
    found = {key(*parts) for parts in ((1, 2), (2, 1), ("1", 2), (12,), ("12",), (1, 2, 0), ())}
    assert len(found) == 7
    assert key(7, "words") == key(7, "words")


def test_numbers_below_a_bound_reach_all_of_it_and_no_more() -> None:
    found = Draws("below").below(10_000, 7)
    assert np.bincount(found).min() > 1200 and len(np.bincount(found)) == 7
    bounds = np.array([1, 2, 1000] * 1000)
    assert (Draws("each").below(3000, bounds) < bounds).all()


def test_chances_are_as_stated() -> None:
    assert abs(Draws("chance").chance(200_000, 250_000).mean() - 0.25) < 0.005
    assert not Draws("never").chance(10_000, 0).any()


def test_order_is_a_permutation() -> None:
    assert sorted(Draws("order").order(1000).tolist()) == list(range(1000))


def test_spread_numbers_fill_their_range_evenly() -> None:
    spread = Spread("even")
    found = np.sort(np.concatenate([spread.raw(50), spread.raw(50)])).astype(np.float64) / 2**64
    assert abs(found - (np.arange(100) + 0.5) / 100).max() < 0.04


def test_a_condensed_table_gives_its_sample_again() -> None:
    sample = np.concatenate(
        (Draws("many").below(20_000, 400) ** 2 // 400, np.full(30_000, 3), np.array([9000]))
    )
    table = tables.condensed(sample)
    assert len(table.values) < 200
    assert table.cumulative[-1] == len(sample)
    drawn = table.at(Draws("again").raw(50_000))
    assert tables.distance(sample, drawn) < 0.015
    assert drawn.min() >= sample.min() and drawn.max() <= sample.max()


def test_a_table_of_one_value_gives_that_value() -> None:
    table = Table(np.array([5]), np.array([10]))
    assert set(table.at(Draws("one").raw(100)).tolist()) == {5}


def test_distance_is_the_largest_gap_of_two_distributions() -> None:
    one, other = Draws("one").below(300, 50), Draws("other").below(200, 40)
    gaps = [abs((one <= x).mean() - (other <= x).mean()) for x in range(51)]
    assert tables.distance(one, other) == max(gaps)
    assert tables.distance(one, one) == 0
    assert tables.distance(np.array([1]), np.array([2])) == 1
