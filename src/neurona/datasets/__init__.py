"""Data sets: find them on the machine or fetch them, verify them, hand them over as arrays.

    records      what a data set is            catalogue    the table, and everything by name
    idx          the IDX file format           loading      search order, import, fallback on the sample
    folders      where files may lie           download     mirrors, resume, hash, lock
    splitting    hold out a validation set     unpacking    tar archives, read with suspicion
    four_files   what MNIST's family shares    npz          arrays in NumPy's archives
    texts        many texts as one array       tokens       words as numbers, vocabularies
    kept_texts   what was read, for next time  keras_files  Keras's own small sets: their files
    fashion_mnist, mnist, cifar10, imdb        the records, and Keras's `load_data`
    cifar100, reuters, boston_housing, california_housing    Keras's `load_data` alone

Leans on numpy, `neurona.errors` and `neurona.i18n`; knows no tensor.
"""

from neurona.datasets import boston_housing, california_housing, cifar10, cifar100, fashion_mnist, imdb, mnist, reuters
from neurona.datasets.catalogue import (
    CATALOGUE,
    Whereabouts,
    find,
    get,
    import_files,
    list_datasets,
    load,
    where,
)
from neurona.datasets.folders import Place, cache_folder, ways_to_supply
from neurona.datasets.loading import Data, Fetched, Imported
from neurona.datasets.records import Arrays, DataSet, RemoteFile, fingerprint_of
from neurona.datasets.splitting import Split, split
from neurona.datasets.texts import Texts
from neurona.datasets.tokens import Tokens, index, tokenize, vocabulary

__all__ = [
    "CATALOGUE",
    "Arrays",
    "Data",
    "DataSet",
    "Fetched",
    "Imported",
    "Place",
    "RemoteFile",
    "Split",
    "Texts",
    "Tokens",
    "Whereabouts",
    "boston_housing",
    "cache_folder",
    "california_housing",
    "cifar10",
    "cifar100",
    "fashion_mnist",
    "find",
    "fingerprint_of",
    "get",
    "imdb",
    "import_files",
    "index",
    "list_datasets",
    "load",
    "mnist",
    "reuters",
    "split",
    "tokenize",
    "vocabulary",
    "ways_to_supply",
    "where",
]
