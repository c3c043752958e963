"""The story that a page tells is that of its network: windows, and how far units keep to one class."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from neurona import layers, utils
from neurona.i18n import set_language
from neurona.models import Sequential
from neurona.report.show import Page, example, layer_rows, story
from neurona.sight import Scene
from tests.sight.nets import branched, edge_pictures, edges, prepare


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    set_language("en")
    yield
    set_language(None)


def coloured() -> Scene:
    rng = np.random.default_rng(0)
    return Scene(
        branched(), lambda p: np.asarray(p, "float32") / 255, rng.integers(0, 256, (30, 16, 16, 3), "uint8"),
        rng.integers(0, 3, 30),
    )  # fmt: skip


def test_windows_are_told_as_room_for_edges_parts_and_objects() -> None:
    told = " ".join(story(coloured()))
    assert "3 pixels wide in first, 16 of 16 in third" in told
    assert "edges and spots of colour: first. Room for parts: second. Room for whole objects: third." in told


def test_depth_is_praised_only_where_it_helps() -> None:
    scene = coloured()  # random weights and random classes: depth brings nothing
    assert "So depth brings its units no nearer to the classes." in story(scene)[-1]
    utils.set_random_seed(0)
    model = Sequential(
        [
            layers.Input((12, 12, 1)),
            layers.Conv2D(2, 1, name="points"),
            layers.Conv2D(2, 3, activation="relu", name="edges"),
            layers.GlobalMaxPooling2D(),
            layers.Dense(2),
        ]
    )
    kernel, bias = edges().get_layer("edges").get_weights()
    model.get_layer("points").set_weights([np.array([[[[1.0, -1.0]]]], "float32"), bias])
    model.get_layer("edges").set_weights([np.concatenate([kernel, 0 * kernel], axis=2), bias])
    pictures, classes = edge_pictures(80)
    # the second unit of "points" likes dark places, which all pictures have
    found = story(Scene(model, prepare, pictures, classes))
    assert "show the same class in points and 9.0 in edges" in found[-1]
    assert "what tells them apart" in found[-1]


def test_grey_pictures_have_no_spots_of_colour_and_one_layer_no_way() -> None:
    pictures, classes = edge_pictures(40)
    told = story(Scene(edges(), prepare, pictures, classes))
    assert told[0] == "Room for edges: edges."
    assert "excite a unit of edges most, on average 9.0 show the same class; any 9 pictures would give" in told[-1]


def test_rows_tell_layers_windows_and_purity() -> None:
    pictures, classes = edge_pictures(40)
    rows = layer_rows(Scene(edges(), prepare, pictures, classes))
    assert rows == [
        ("edges", "2 filters of 3x3", "3x3 pixels", "9.0"),
        ("classes", "2 neurons", "the whole picture", "9.0"),
    ]


def test_titles_of_examples() -> None:
    names, shares = ["cat", "dog"], np.array([0.25, 0.75])
    picture = np.zeros((2, 2), "uint8")
    assert example(picture, shares, names).title == "dog 75%"
    assert example(picture, shares, names, truth=np.uint8(0)).title == "dog 75% (truth: cat)"
    other = example(picture, shares, names, chosen=0)
    assert other.title == "dog 75% · asked for: cat" and other.chosen == 0
    assert example(picture, shares, names, chosen=1).title == "dog 75%"


def test_a_page_of_a_network_with_branches(tmp_path: Path) -> None:
    scene = coloured()
    page = Page(scene, tmp_path / "show.html", tmp_path / "figures")
    page.layers()
    page.filters()
    page.units(scene.stages[2], [4])
    page.places([example(scene.pictures[0], np.array([0.2, 0.3, 0.5]), ["a", "b", "<c>"])])
    page.maps(scene.pictures[0], scene.stages[:3])
    text = page.write("What <it> sees", "about").read_text("utf-8")
    assert "What &lt;it&gt; sees" in text and text.count("data:image/png") == 5
    assert "through both layers (the gradient at mid-grey)" in text  # of the second layer
    assert "where the maps of second (8x8), third (2x2) speak for the answer" in text
    assert "What excites third" in text
    assert len(list((tmp_path / "figures").iterdir())) == 5
