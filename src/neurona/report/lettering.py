"""Any text as a picture of letters, in the one font that Pillow brings along.

That font knows little beyond ASCII. An accented letter is composed of its letter and an accent made from the font's own
signs; a character that it cannot show even so becomes a visible escape (``\\u6f22``), never an empty box. Leans on Pillow.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from unicodedata import normalize

from neurona.report.plain import escaped, printable

if TYPE_CHECKING:
    from PIL import Image, ImageFont

__all__ = ["Letters", "fitted", "lettered", "width_of"]

_ABOVE, _BELOW = True, False
# What each combining accent is made of: a sign, its size beside the letter's, whether upside down, and where it sits.
_ACCENTS = {
    "\u0300": ("`", 1.45, False, _ABOVE),
    "\u0301": ("´", 1.45, False, _ABOVE),
    "\u0302": ("^", 0.6, False, _ABOVE),
    "\u0303": ("~", 0.72, False, _ABOVE),
    "\u0304": ("-", 0.9, False, _ABOVE),
    "\u0307": (".", 0.95, False, _ABOVE),
    "\u0308": ("..", 0.95, False, _ABOVE),
    "\u030a": ("°", 0.8, False, _ABOVE),
    "\u030c": ("^", 0.6, True, _ABOVE),
    "\u0327": (",", 0.8, False, _BELOW),
}
_UPSIDE_DOWN = {"¿": "?", "¡": "!"}
_NEAREST = {
    "×": "x", "–": "-", "—": "-", "−": "-", "\u2010": "-", "\u2011": "-", "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe",
    "Œ": "OE", "ª": "a", "º": "o", "\u00a0": " ", "\u2009": " ", "\u202f": " ",
}  # fmt: skip


class Letters(NamedTuple):
    """A text drawn: white letters on black, to be used as a mask, and where its line is."""

    mask: Image.Image
    width: float
    baseline: float


@lru_cache(maxsize=64)
def _font(size: float) -> ImageFont.FreeTypeFont:
    from PIL import ImageFont

    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise ImportError("Expected Pillow with FreeType. Received: Pillow without it. Install Pillow's own wheel.")
    # The basic layout gives the same letters with every Pillow, with Raqm or without.
    return font.font_variant(layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=4096)
def _known(character: str) -> bool:
    """Whether the font has the character: it draws something else than its sign for what it lacks."""
    drawn, lacking = (_font(24).getmask(c) for c in (character, "\uffff"))
    return character == " " or (drawn.size, bytes(drawn)) != (lacking.size, bytes(lacking))


def _spelled(text: str) -> list[str]:
    """The letters of a text, each followed by its accents, all of them drawable."""
    letters: list[str] = []
    for character in normalize("NFC", printable(text)):
        apart = normalize("NFD", character)
        letter, accents = apart[0], apart[1:]
        if character in _UPSIDE_DOWN or _known(character):
            letters.append(character)
        elif character in _NEAREST:
            letters.extend(_NEAREST[character])
        elif character in _ACCENTS and letters:
            letters[-1] += character
        elif accents and _known(letter) and all(accent in _ACCENTS for accent in accents):
            letters.append(apart)
        else:
            letters.extend(escaped(ord(character)))
    return letters


def _plain(letters: list[str]) -> str:
    """The signs by which letters are as wide as they are."""
    return "".join(_UPSIDE_DOWN.get(letter[0], letter[0]) for letter in letters)


def width_of(text: str, size: float) -> float:
    """How many pixels wide a text is."""
    return _font(size).getlength(_plain(_spelled(text)))


def fitted(text: str, size: float, most: float) -> str:
    """`text`, as much of its middle left out as must be for it to be no wider than `most` pixels.

    >>> fitted("short", 12, 100)
    'short'
    >>> fitted("a name that is much too long.png", 12, 100)
    'a name …ng.png'
    """
    text = printable(text)
    if width_of(text, size) <= most:
        return text
    fewest, enough = 0, min(len(text), 400)  # no chart has room for more characters
    while fewest < enough:  # the most characters that fit, found by halving
        kept = (fewest + enough + 1) // 2
        if width_of(_without_middle(text, kept), size) <= most:
            fewest = kept
        else:
            enough = kept - 1
    return _without_middle(text, fewest)


def _without_middle(text: str, kept: int) -> str:
    end = kept // 2
    return f"{text[: kept - end]}…{text[len(text) - end :]}"


def lettered(text: str, size: float) -> Letters:
    """Draw a text on one line, `size` pixels high from the top of an accented capital to the foot of a g, about."""
    from PIL import Image, ImageChops

    letters = _spelled(text)
    plain, font = _plain(letters), _font(size)
    starts = [font.getlength(plain[:k]) for k in range(len(plain) + 1)]
    baseline = round(1.25 * size)  # room above for an accent on a capital
    extent = (int(starts[-1] + 0.5 * size) + 2, round(1.75 * size))
    mask = Image.new("L", extent)
    for letter, start in zip(letters, starts[:-1], strict=True):
        mask = ImageChops.lighter(mask, _letter(letter, size, start, baseline, extent))
    return Letters(mask, starts[-1], baseline)


def _letter(letter: str, size: float, start: float, baseline: int, extent: tuple[int, int]) -> Image.Image:
    """One letter with its accents, in its place on an empty line."""
    from PIL import Image, ImageDraw

    font = _font(size)
    line = Image.new("L", extent)
    if letter in _UPSIDE_DOWN:
        sign = _sign(_UPSIDE_DOWN[letter], size).rotate(180)
        line.paste(sign, (round(start + 0.06 * size), round(baseline + 0.19 * size - sign.height)))
        return line
    ImageDraw.Draw(line).text((start, baseline), letter[0], fill=255, font=font, anchor="ls")
    raised = any(_ACCENTS[accent][3] for accent in letter[1:])
    if raised and letter[0] in "ij":
        _remove_dot(line)
    left, top, right, bottom = line.getbbox() or (round(start), baseline, round(start), baseline)
    for accent in letter[1:]:
        name, share, turned, above = _ACCENTS[accent]
        sign = _sign(name, share * size)
        if turned:
            sign = sign.rotate(180)
        if above:
            top -= round(0.07 * size) + sign.height
        line.paste(sign, (round((left + right - sign.width) / 2), max(0, top) if above else bottom))
    return line


def _sign(text: str, size: float) -> Image.Image:
    """A sign cut out along its edges."""
    from PIL import Image, ImageDraw

    font = _font(size)
    drawn = Image.new("L", (round(3 * size) + 2, round(2 * size) + 2))
    ImageDraw.Draw(drawn).text((size, 1.5 * size), text, fill=255, font=font, anchor="ls")
    return drawn.crop(drawn.getbbox())


def _remove_dot(line: Image.Image) -> None:
    """Take the dot off an i or j: all that is above its first empty row."""
    box = line.getbbox()
    if box is not None:
        left, top, right, bottom = box
        for row in range(top, bottom):
            if line.crop((left, row, right, row + 1)).getbbox() is None:
                line.paste(0, (left, top, right, row))
                return
