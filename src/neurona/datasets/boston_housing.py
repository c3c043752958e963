"""Boston housing: 506 districts of 1978 with 13 numbers each, and what a house costs there, in 1000 dollars.

One of the numbers counts Black residents as if they lowered prices; the set is kept for old programs, and
`california_housing` is the better one for new ones.

Source: D. Harrison and D. Rubinfeld, "Hedonic prices and the demand for clean air" (1978).
"""

from __future__ import annotations

from neurona.datasets.keras_files import Pair, check_share, keras_file, parts_of, table_of
from neurona.datasets.records import RemoteFile

__all__ = ["load_data"]

_FILE = RemoteFile("boston_housing.npz", "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5", 57_026)


def load_data(path: str = _FILE.name, test_split: float = 0.2, seed: int = 113) -> tuple[Pair, Pair]:
    """The set as Keras returns it: ``(x_train, y_train), (x_test, y_test)``.

    Args:
        path: ``boston_housing.npz``, absolute or in Keras's cache; else it is looked for and downloaded.
        test_split: the share of test data.
        seed: of the order.

    Returns:
        float64 arrays (N, 13) and (N,).

    Raises:
        DownloadError: the file is nowhere and cannot be downloaded.
        DamagedDataError: it is no such file.
        ArgumentError: an impossible `test_split`.
    """
    check_share(test_split)
    return parts_of(*table_of(keras_file(_FILE, path, "boston_housing")), test_split, seed)
