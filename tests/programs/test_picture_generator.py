"""`ImageDataGenerator`: what it does to pictures, and the batches that it makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurona import layers, models
from neurona.errors import ArgumentError, DataNotFoundError
from neurona.programs.picture_generator import ImageDataGenerator
from neurona.utils import array_to_img

PICTURES = np.random.default_rng(0).uniform(0, 255, (10, 6, 6, 3)).astype("float32")


def test_unchanged_pictures_come_in_order_with_their_targets() -> None:
    batches = ImageDataGenerator().flow(PICTURES, np.arange(10), batch_size=4, shuffle=False, sample_weight=np.ones(10))
    assert len(batches) == 3
    seen = [next(batches) for _ in range(4)]  # the fourth begins anew
    assert [y.tolist() for _, y, _ in seen] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9], [0, 1, 2, 3]]
    np.testing.assert_array_equal(seen[0][0], PICTURES[:4])


def test_shuffling_shows_every_picture_once_and_follows_the_seed() -> None:
    def order(seed: int) -> list[int]:
        batches = ImageDataGenerator().flow(PICTURES, np.arange(10), batch_size=5, seed=seed)
        return [n for _ in range(2) for n in next(batches)[1].tolist()]

    assert sorted(order(1)) == list(range(10))
    assert order(1) == order(1) != order(2)


def test_all_pictures_are_brought_to_one_scale() -> None:
    make = ImageDataGenerator(rescale=2.0, preprocessing_function=lambda x: x + 1)
    np.testing.assert_allclose(next(make.flow(PICTURES, shuffle=False)), (PICTURES + 1) * 2, rtol=1e-6)
    each = ImageDataGenerator(samplewise_center=True, samplewise_std_normalization=True).standardize(PICTURES[0])
    assert abs(each.mean()) < 1e-5 and each.std() == pytest.approx(1, rel=1e-4)
    whole = ImageDataGenerator(featurewise_center=True, featurewise_std_normalization=True)
    with pytest.raises(ArgumentError, match="Call fit"):
        whole.standardize(PICTURES[0])
    whole.fit(PICTURES)
    made = np.stack([whole.standardize(x) for x in PICTURES])
    np.testing.assert_allclose(made.mean((0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(made.std((0, 1, 2)), 1, rtol=1e-4)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"horizontal_flip": True}, lambda x: x[:, ::-1]),
        ({"vertical_flip": True}, lambda x: x[::-1]),
        ({"height_shift_range": [2]}, lambda x: np.concatenate([x[2:], np.zeros_like(x[:2])])),
        ({"width_shift_range": [1]}, lambda x: np.concatenate([x[:, 1:], np.zeros_like(x[:, :1])], axis=1)),
        ({"brightness_range": (0.5, 0.5)}, lambda x: x / 2),
        ({"zoom_range": (2.0, 2.0)}, None),
    ],
)
def test_a_change_by_chance_is_the_one_asked_for(settings: dict[str, Any], expected: Any) -> None:
    make = ImageDataGenerator(fill_mode="constant", **settings)
    x = PICTURES[0]
    made = [make.random_transform(x, seed=seed) for seed in range(12)]
    if expected is None:  # twice as far away: the middle is left, with a black frame
        assert all((picture[0] == 0).all() and picture[2:4, 2:4].any() for picture in made)
        return
    assert any(np.allclose(picture, expected(x), atol=1e-3) for picture in made)
    assert all(picture.shape == x.shape and picture.dtype == x.dtype for picture in made[:1])


def test_turning_by_a_right_angle_turns_the_picture() -> None:
    make = ImageDataGenerator(rotation_range=90)
    turned = make._moved(PICTURES[0], np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))
    np.testing.assert_allclose(turned, np.rot90(PICTURES[0], -1), atol=1e-3)


def test_a_positive_angle_turns_against_the_clock() -> None:
    class Always90:
        def uniform(self, low: float, high: float) -> float:
            return high

    turned = ImageDataGenerator(rotation_range=90)._changed(PICTURES[0], Always90())
    np.testing.assert_allclose(turned, np.rot90(PICTURES[0]), atol=1e-3)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_whole_number_of_points_is_not_reached(axis: int) -> None:
    name = ("height_shift_range", "width_shift_range")[axis]
    make = ImageDataGenerator(fill_mode="wrap", **{name: 3})
    x = np.broadcast_to(np.expand_dims(np.arange(8.0), (1 - axis, 2)), (8, 8, 1))
    moved = {int(make.random_transform(x, seed=seed)[4, 4, 0]) - 4 for seed in range(40)}
    assert moved == {-2, -1, 0, 1, 2}
    np.testing.assert_array_equal(ImageDataGenerator(**{name: 0}).random_transform(x), x)


def test_shearing_moves_rows_sideways() -> None:
    x = np.zeros((9, 9, 1))
    x[:, 4] = 1.0
    made = ImageDataGenerator(shear_range=30, fill_mode="constant", interpolation_order=0)
    leaning = [made.random_transform(x, seed=seed)[..., 0] for seed in range(6)]
    assert all((picture.sum(axis=1) == 1).all() for picture in leaning)  # a point in each row
    assert all(picture[4, 4] == 1 for picture in leaning)  # seen from the middle
    assert any(picture[0, 4] == 0 and picture[8, 4] == 0 for picture in leaning)


@pytest.mark.parametrize("kind", ["featurewise", "samplewise"])
def test_dividing_by_the_deviation_centres_too(kind: str) -> None:
    with pytest.warns(UserWarning, match=f"`{kind}_std_normalization` to mean `{kind}_center` as well"):
        make = ImageDataGenerator(**{f"{kind}_std_normalization": True})
    make.fit(PICTURES)
    made = np.stack([make.standardize(x) for x in PICTURES])
    assert abs(made.mean()) < 1e-4 and made.std() == pytest.approx(1, rel=1e-3)


def test_subsets_share_out_the_pictures() -> None:
    make = ImageDataGenerator(validation_split=0.3)
    parts = {name: make.flow(PICTURES, np.arange(10), subset=name).n for name in ("training", "validation")}
    assert parts == {"training": 7, "validation": 3}
    with pytest.raises(ArgumentError, match='must be "training" or "validation"'):
        make.flow(PICTURES, subset="test")


def test_pictures_in_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, shade in (("dark", 10), ("light", 200)):
        (tmp_path / name).mkdir()
        for i in range(3):
            array_to_img(np.full((8, 8, 3), shade), scale=False).save(tmp_path / name / f"{i}.png")
    batches = ImageDataGenerator(rescale=1 / 255).flow_from_directory(
        tmp_path, target_size=(4, 4), class_mode="binary", batch_size=4, shuffle=False
    )
    assert "Found 6 images belonging to 2 classes." in capsys.readouterr().out
    x, y = next(batches)
    assert x.shape == (4, 4, 4, 3) and y.tolist() == [0, 0, 0, 1]
    assert x[0].max() == pytest.approx(10 / 255) and batches.class_indices == {"dark": 0, "light": 1}
    with pytest.raises(DataNotFoundError, match="no folder"):
        ImageDataGenerator().flow_from_directory(tmp_path / "none")


def test_a_model_learns_from_them() -> None:
    model = models.Sequential([layers.Input((6, 6, 3)), layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    batches = ImageDataGenerator(rescale=1 / 255, rotation_range=10).flow(PICTURES, np.zeros(10), batch_size=4, seed=0)
    history = model.fit(batches, epochs=2, verbose=0)
    assert len(history.history["loss"]) == 2
    assert model.fit(batches, steps_per_epoch=2, epochs=1, verbose=0).history["loss"]


@pytest.mark.parametrize(
    "settings", [{"zca_whitening": True}, {"validation_split": 1.5}, {"data_format": "channels_first"}]
)
def test_what_it_does_not_do_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="Received"):
        ImageDataGenerator(**settings)
