"""What stands out in a grey picture from what is behind it: the background, the box around a thing, dust set aside.

What photographs have and small data sets have not (noise, uneven light, dust, traces of JPEG) is kept away from the
answer by looking in a smaller, averaged picture.
"""

from __future__ import annotations

import numpy as np

from neurona.errors import PictureError
from neurona.i18n import _
from neurona.tensor import Array

__all__ = ["NOISE", "background", "find_box", "pieces", "without_dust"]

# A thing is looked for in a picture of about this size: averaging removes noise and the traces of JPEG.
_SEARCH = 112
#: Differences from the background below this share of full brightness are noise or shadow; Fashion-MNIST used 5 %.
NOISE = 0.05 * 255
# Pieces smaller than this share of the largest one are dust.
_DUST = 0.02


def background(grey: Array) -> tuple[Array, float]:
    """The brightness behind the garment, and how far it scatters; in large pictures it may slope.

    It is what most of the picture's edge shows: the garment may touch the edge, so neither mean nor median serve.
    """
    height, width = grey.shape
    ys, xs = np.mgrid[0:height, 0:width]
    at_edge = (ys == 0) | (xs == 0) | (ys == height - 1) | (xs == width - 1)
    edge = grey[at_edge].astype("float64")
    counts = np.bincount(edge.astype(int), minlength=256)
    near = np.convolve(counts, np.ones(17), mode="same")  # of all stretches of 17 brightnesses the fullest
    middle = float(np.median(edge[np.abs(edge - near.argmax()) <= 8]))
    if max(grey.shape) <= _SEARCH:
        return np.full(grey.shape, middle, "float32"), 0.0
    terms = np.stack([np.ones_like(edge), ys[at_edge] / height, xs[at_edge] / width], axis=1)
    plane, reach = np.array([middle, 0.0, 0.0]), 60.0
    for _round in range(8):  # least squares over what lies near the last plane, ever nearer
        rest = edge - terms @ plane
        inside = np.abs(rest) <= reach
        if inside.sum() < 0.3 * len(edge):
            break
        plane = np.linalg.lstsq(terms[inside], edge[inside], rcond=None)[0]
        reach = max(12.0, reach * 0.7)
    rest = edge - terms @ plane
    scatter = 1.4826 * float(np.median(np.abs(rest - np.median(rest))))  # as a standard deviation, outliers aside
    slope = plane[0] + plane[1] * ys / height + plane[2] * xs / width
    return np.clip(slope, 0, 255).astype("float32"), scatter


def find_box(garment: Array, threshold: float) -> tuple[int, int, int, int]:
    """The box around what is stronger than the threshold, dust aside: left, top, right, bottom."""
    from PIL import Image

    height, width = garment.shape
    step = max(1, round(max(height, width) / _SEARCH))
    if step > 1:  # the mean of step x step pixels scatters step times less
        garment = np.asarray(Image.fromarray(garment).reduce(step))
        threshold = max(NOISE, threshold / step)
    seen = garment > threshold
    if step > 1:
        seen = without_dust(seen)
    if not seen.any():
        raise PictureError(_("The picture shows nothing: it is all of one colour."))
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    return (
        int(columns[0]) * step,
        int(rows[0]) * step,
        min(width, (int(columns[-1]) + 1) * step),
        min(height, (int(rows[-1]) + 1) * step),
    )


def pieces(seen: Array) -> Array:
    """A number for each connected piece of a mask, the same in all its places; 0 outside.

    >>> pieces(np.array([[1, 0, 1], [1, 0, 1], [0, 0, 1]], bool)).tolist()
    [[1, 0, 2], [1, 0, 2], [0, 0, 2]]
    """
    change = np.diff(np.pad(seen.astype("int8"), ((0, 0), (1, 1))), axis=1)
    rows, starts = np.nonzero(change == 1)  # runs of a row, in reading order
    ends = np.nonzero(change == -1)[1]
    parent = list(range(len(rows)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    first = np.searchsorted(rows, np.arange(len(seen) + 1))  # the first run of each row
    for row in range(1, len(seen)):
        above, here = int(first[row - 1]), int(first[row])
        while above < first[row] and here < first[row + 1]:
            if starts[above] < ends[here] and starts[here] < ends[above]:
                one, other = root(above), root(here)
                parent[max(one, other)] = min(one, other)
            if ends[above] < ends[here]:
                above += 1
            else:
                here += 1
    label = np.zeros(seen.shape, "int64")
    numbers: dict[int, int] = {}
    for run, (row, start, end) in enumerate(zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True)):
        label[row, start:end] = numbers.setdefault(root(run), len(numbers) + 1)
    return label


def without_dust(seen: Array) -> Array:
    """The connected pieces of a mask that are not tiny beside the largest."""
    label = pieces(seen)
    sizes = np.bincount(label.ravel())
    sizes[0] = 0
    return np.asarray(seen & (sizes[label] >= _DUST * sizes.max(initial=0)))
