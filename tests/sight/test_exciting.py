"""The most exciting pictures are those with what the filter looks for, cut out where it is."""

from __future__ import annotations

import numpy as np
import pytest

from neurona import layers
from neurona.errors import ArgumentError
from neurona.models import Sequential
from neurona.sight import exciting, feature_maps, find_stage, patch, purity, stages_of, standing_out
from tests.sight.nets import branched, edge_pictures, edges, prepare


def test_edge_filters_find_their_edges() -> None:
    model = edges()
    stages = stages_of(model)
    pictures, classes = edge_pictures(60)
    found = exciting(model, stages, pictures, prepare, best=5, batch_size=7)["edges"]
    for unit in (0, 1):
        best = np.flatnonzero(classes == unit)[::-1][:5]  # the later, the stronger
        assert found.pictures[unit].tolist() == best.tolist()
        assert (np.diff(found.values[unit]) <= 0).all()
        for rank, i in enumerate(best):
            cut = patch(pictures[i], found.window(unit, rank))
            assert cut.shape == (3, 3)
            cut = cut if unit == 0 else cut.T
            assert (cut[:, 0] == 0).all() and (cut[:, 2] > 0).all()
    assert purity(found, classes) == 1.0
    assert 0.5 <= purity(found, np.arange(60) // 2 % 2) < 1.0


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_batches_do_not_matter(batch_size: int) -> None:
    model = branched()
    stages = stages_of(model)
    x = np.random.default_rng(0).random((11, 16, 16, 3), "float32")
    found = exciting(model, stages, x, best=4, batch_size=batch_size)
    maps = feature_maps(model, stages, x)
    for stage in stages:
        answers = maps[stage.name].reshape(11, -1, stage.units)
        strongest = answers.max(axis=1)  # (N, F)
        row = found[stage.name]
        np.testing.assert_allclose(row.values, -np.sort(-strongest.T, axis=1)[:, :4], rtol=1e-5)
        np.testing.assert_allclose(row.mean, strongest.mean(axis=0), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(row.spread, strongest.std(axis=0), rtol=1e-3, atol=1e-5)
        for unit in range(stage.units):
            for rank, (i, (y, z)) in enumerate(zip(row.pictures[unit], row.places[unit], strict=True)):
                at = maps[stage.name][i, y, z, unit] if stage.map_size else maps[stage.name][i, unit]
                assert at == pytest.approx(row.values[unit, rank], rel=1e-5)


def test_units_that_stand_out_come_first_and_dead_ones_last() -> None:
    model = Sequential([layers.Input((3,)), layers.Dense(3, name="d")])
    model.get_layer("d").set_weights([np.diag([1.0, 0.0, 1.0]).astype("float32"), np.zeros(3, "float32")])
    x = np.zeros((40, 3), "float32")
    x[:, 0] = np.linspace(0, 1, 40)  # nothing special
    x[3:6, 2] = 5.0  # rare and strong
    found = exciting(model, stages_of(model), x, best=3)["d"]
    assert standing_out(found, 3).tolist() == [2, 0, 1]
    assert standing_out(found, 1).tolist() == [2]
    assert purity(found, np.zeros(40)) == 1.0


def test_fewer_pictures_than_asked_for() -> None:
    model = edges()
    found = exciting(model, stages_of(model), edge_pictures(3)[0], prepare, best=9)
    assert found["edges"].pictures.shape == (2, 3)


@pytest.mark.parametrize(("count", "best"), [(0, 3), (3, 0)])
def test_nothing_to_choose_is_told(count: int, best: int) -> None:
    model = edges()
    with pytest.raises(ArgumentError, match=f"Received: {count} pictures, best={best}"):
        exciting(model, stages_of(model), edge_pictures(3)[0][:count], prepare, best=best)


def test_windows_over_the_edge_are_filled() -> None:
    picture = np.arange(1, 10, dtype="uint8").reshape(3, 3)
    assert patch(picture, (-1, 1, 2, 4), outside=0).tolist() == [[0, 0, 0], [2, 3, 0], [5, 6, 0]]
    assert patch(picture, (2, -2, 5, 1), outside=0).tolist() == [[0, 0, 7], [0, 0, 0], [0, 0, 0]]
    assert patch(picture, (5, 5, 7, 7), outside=1).tolist() == [[1, 1], [1, 1]]
    assert patch(picture, None) is picture
    colour = np.ones((3, 3, 3), "uint8")
    assert patch(colour, (-1, 0, 2, 2), outside=9)[0].tolist() == [[9, 9, 9], [9, 9, 9]]


def test_dense_layers_have_whole_pictures() -> None:
    model = edges()
    found = exciting(model, [find_stage(stages_of(model), "classes")], edge_pictures(8)[0], prepare, best=2)["classes"]
    assert found.window(0, 0) is None and not found.places.any()
