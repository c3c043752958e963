"""The pieces that the project's HTML pages are made of: head, headings, paragraphs, tables, pictures.

No script, no outside file, and a policy in the head that forbids the browser both. Whatever a user brought is text.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

from neurona.i18n import get_language
from neurona.report.plain import printable
from neurona.saving.atomic import atomic_file

__all__ = ["grouped", "heading", "image", "paragraph", "table", "text", "write_html"]

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
       color: #1a1a1a; background: white; }
h1 { margin-bottom: 0; }
h2 { margin-top: 2.2rem; border-bottom: 1px solid #ddd; }
.figure { font-size: 2.6rem; font-weight: 650; }
.muted { color: #555; margin-top: 0; }
.warning { background: #fff4d6; border-left: 4px solid #d9a400; padding: .6rem 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .25rem .8rem; text-align: right; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
th:first-child, td:first-child, .facts td, .facts th { text-align: left; }
th, td:first-child { overflow-wrap: break-word; }
tbody tr:nth-child(odd) { background: #f6f6f6; }
img { max-width: 100%; height: auto; }
@media (max-width: 40rem) {
  .picture { overflow-x: auto; }
  .picture img { max-width: none; }
  th, td { padding: .25rem .4rem; }
}
@media (prefers-color-scheme: dark) {
  body { background: #181818; color: #e8e8e8; }
  tbody tr:nth-child(odd) { background: #222; }
  h2 { border-color: #444; }
  .muted { color: #aaa; }
  .warning { background: #3a3010; }
  img { background: white; }
}
"""


def text(value: object) -> str:
    """Anything as text, with nothing in it that a browser would obey.

    >>> text("<b> & co")
    '&lt;b&gt; &amp; co'
    """
    return escape(printable(value))


def heading(words: str, level: int = 2) -> str:
    """A heading."""
    return f"<h{level}>{text(words)}</h{level}>"


def paragraph(words: str, style: str = "") -> str:
    """A paragraph."""
    return f'<p class="{style}">{text(words)}</p>' if style else f"<p>{text(words)}</p>"


def table(head: Iterable[str], rows: Iterable[Iterable[Any]], style: str = "numbers") -> str:
    """A table."""
    cells = "".join(f'<th scope="col">{text(c)}</th>' for c in head)
    body = "".join("<tr>" + "".join(f"<td>{text(c)}</td>" for c in row) + "</tr>" for row in rows)
    return f'<table class="{style}"><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>'


def image(path: Path, words: str) -> str:
    """The picture in a PNG file, within the page; nothing if there is no such file."""
    if not path.is_file():
        return ""
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<p class="picture"><img alt="{text(words)}" src="data:image/png;base64,{data}"></p>'


def grouped(number: int) -> str:
    """A whole number with narrow spaces between its thousands, which English and Spanish readers both understand."""
    return f"{number:,}".replace(",", "\u202f")


def write_html(path: Path, title: str, parts: Iterable[str]) -> Path:
    """Write a page in the language in force, whole or not at all; returns `path`."""
    head = [
        f'<!doctype html>\n<html lang="{get_language()}">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
    ]
    with atomic_file(path) as stream:
        stream.write("\n".join([*head, *parts, "</body>\n</html>\n"]).encode())
    return path
