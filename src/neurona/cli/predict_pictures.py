"""``neurona predict`` for recognisers of pictures: the likeliest classes, and a picture of what the network was given."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
import numpy as np

from neurona.cli.shared import complain, say, session
from neurona.errors import ArgumentError, PictureError
from neurona.i18n import _, get_language
from neurona.recognisers import Recogniser
from neurona.recognisers.of_pictures import Pictures
from neurona.report import figures
from neurona.runs import Run

__all__ = ["predict"]

_ENDINGS = (".png", ".jpg", ".jpeg")


def predict(run: Run, recogniser: Recogniser, things: tuple[Path, ...], out: Path | None) -> None:
    """Apply the network of a run to pictures and folders of them.

    Raises:
        click.exceptions.Exit: with status 1 at the end, where a picture could not be read.
    """
    if not isinstance(kind := recogniser.kind, Pictures):
        raise ArgumentError(_("The recogniser '{name}' takes no pictures.").format(name=recogniser.name))
    model = run.load_model()
    folder = out or run.path / "predictions"
    folder.mkdir(parents=True, exist_ok=True)
    names = run.info["classes"][get_language()]
    results: list[dict[str, Any]] = []
    failed = 0
    files = _files(things)
    taken = {path.resolve() for path in files}
    for path in files:
        try:
            prepared = kind.see(path)
        except PictureError as error:
            failed += 1
            text = str(error) if str(path) in str(error) else f"{path}: {error}"
            complain(_("Error: {text}").format(text=text))
            results.append({"picture": str(path), "error": str(error)})
            continue
        shares = kind.probabilities(run, model, kind.prepare(prepared.pixels[np.newaxis]))[0]
        ranked = [(names[k], float(shares[k])) for k in np.argsort(-shares, kind="stable")[:3]]
        saved = figures.draw_prediction(prepared, ranked, path.name, _place(folder, path, taken))
        say(str(path), bold=True)
        say("  " + "; ".join(prepared.steps))
        for name, share in ranked:
            say(f"  {share:>6.1%}  {name}")
        say(_("  picture: {path}").format(path=saved))
        results.append(
            {
                "picture": str(path),
                "answer": ranked[0][0],
                "answers": [{"class": name, "probability": share} for name, share in ranked],
                "steps": list(prepared.steps),
                "saved": str(saved),
            }
        )
    session.finish({"run": str(run.path), "recogniser": recogniser.name, "predictions": results})
    if failed:
        raise click.exceptions.Exit(1)


def _files(given: tuple[Path, ...]) -> list[Path]:
    """The pictures given, and those in the folders given."""
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in _ENDINGS and p.is_file())
            if not inside:
                raise PictureError(_("The folder {path} holds no PNG or JPEG picture.").format(path=path))
            found += inside
        else:
            found.append(path)
    return found


def _place(folder: Path, picture: Path, taken: set[Path]) -> Path:
    """Where to save what is shown of a picture: over no other one of this call, and over nobody's own picture."""
    stem = os.fsdecode(os.fsencode(picture.stem)[:120])  # names have an end: 255 bytes on most disks
    count = 0
    while True:
        count += 1
        path = folder / (f"{stem}.answer.png" if count == 1 else f"{stem}.answer-{count}.png")
        if path.resolve() not in taken:
            taken.add(path.resolve())
            return path
