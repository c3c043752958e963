"""California housing: 20,640 districts of 1990 with 8 numbers each, and the median price of a house there, in dollars.

Source: R. Pace and R. Barry, "Sparse spatial autoregressions" (1997).
"""

from __future__ import annotations

from neurona.datasets.keras_files import Pair, check_share, keras_file, parts_of, table_of
from neurona.datasets.records import RemoteFile
from neurona.errors import ArgumentError

__all__ = ["load_data"]

_FILE = RemoteFile(
    "california_housing.npz", "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f", 743_530
)
_SMALL = 600


def load_data(
    version: str = "large", path: str = _FILE.name, test_split: float = 0.2, seed: int = 113
) -> tuple[Pair, Pair]:
    """The set as Keras returns it: ``(x_train, y_train), (x_test, y_test)``.

    Args:
        version: "large", or "small" for 600 districts.
        path: ``california_housing.npz``, absolute or in Keras's cache; else it is looked for and downloaded.
        test_split: the share of test data.
        seed: of the order.

    Returns:
        float arrays (N, 8) and (N,).

    Raises:
        DownloadError: the file is nowhere and cannot be downloaded.
        DamagedDataError: it is no such file.
        ArgumentError: another version, or an impossible `test_split`.
    """
    check_share(test_split)
    if version not in ("small", "large"):
        raise ArgumentError(f"Argument `version` must be one of 'small', 'large'. Received: version={version}")
    x, y = table_of(keras_file(_FILE, path, "california_housing"))
    most = _SMALL if version == "small" else len(x)
    return parts_of(x[:most], y[:most], test_split, seed)
