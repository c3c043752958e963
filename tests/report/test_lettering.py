"""Letters: every text is drawn, accents sit where they belong, and what the font lacks stays readable."""

from __future__ import annotations

import numpy as np
import pytest

from neurona.report.lettering import fitted, lettered, width_of
from neurona.tensor import Array


def ink(text: str, size: float = 40) -> Array:
    return np.asarray(lettered(text, size).mask, "float64") / 255


@pytest.mark.parametrize("letters", ["áa", "ée", "óo", "úu", "üu", "ñn", "ÁA", "ÉE", "ÍI", "ÓO", "ÚU", "ÜU", "ÑN"])
def test_an_accented_letter_is_its_letter_and_something_above(letters: str) -> None:
    accented, plain = (ink(letter) for letter in letters)
    assert (accented >= plain).all()
    rows = np.flatnonzero((accented - plain).any(axis=1))
    assert len(rows) > 2
    assert rows.max() < np.flatnonzero(plain.any(axis=1)).min()
    assert rows.min() > 0  # and nothing of it is cut off
    assert width_of(letters[0], 40) == width_of(letters[1], 40)


def test_an_accent_takes_the_place_of_the_dot() -> None:
    with_dot, accented = ink("i"), ink("í")
    stem = np.flatnonzero(~with_dot.any(axis=1) & (np.arange(len(with_dot)) > 20))[0]  # the gap below the dot
    assert (accented[stem:] == with_dot[stem:]).all()
    assert (accented[:stem] != with_dot[:stem]).any()


def test_no_two_spanish_letters_look_alike() -> None:
    letters = "aáeéiíoóuúünñAÁEÉIÍOÓUÚÜNÑ?¿!¡"
    assert len({ink(letter).tobytes() for letter in letters}) == len(letters)


def test_an_opening_question_mark_hangs_below_the_line() -> None:
    question, opening = (np.flatnonzero(ink(c).any(axis=1)) for c in "?¿")
    assert opening.max() > question.max() + 3 and opening.min() > question.min() + 3


def test_composed_and_decomposed_text_is_the_same() -> None:
    assert (ink("n\u0303o\u0301") == ink("ñó")).all()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("漢", "\\u6f22"), ("😀", "\\U0001f600"), ("\udce9", "\\xe9"), ("\x1b", "\\x1b"), ("\u202e", "\\u202e"),
        ("1\u202f234", "1 234"), ("3 × 4", "3 x 4"),
    ],
)  # fmt: skip
def test_what_the_font_lacks_is_escaped(text: str, shown: str) -> None:
    assert (ink(text) == ink(shown)).all()


def test_no_text_is_no_ink() -> None:
    assert not ink("").any() and not ink(" ").any()
    assert ink("$\\frac{$").any()


@pytest.mark.parametrize("text", ["x" * 300, "漢" * 50, "Camiseta/top de manga larga", "ñ" * 5000])
def test_what_is_too_wide_loses_its_middle(text: str) -> None:
    short = fitted(text, 12, 90)
    start, end = short.split("…")
    assert width_of(short, 12) <= 90
    assert start and text.startswith(start) and text.endswith(end)
    longer = text[: len(start) + 1] + "…" + text[len(text) - len(end) - 1 :]
    assert width_of(longer, 12) > 90


def test_what_fits_stays() -> None:
    assert fitted("Bota corta", 12, 90) == "Bota corta"
    assert fitted("Bota corta", 12, 1) == "…"
