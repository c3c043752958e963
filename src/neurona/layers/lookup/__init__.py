"""Layers that look values up: texts and categories to numbers and vectors."""

from __future__ import annotations

from neurona.layers.lookup.category_encoding import CategoryEncoding
from neurona.layers.lookup.discretization import Discretization
from neurona.layers.lookup.hashing import HashedCrossing, Hashing
from neurona.layers.lookup.integer_lookup import IntegerLookup
from neurona.layers.lookup.string_lookup import StringLookup
from neurona.layers.lookup.text_vectorization import TextVectorization

__all__ = [
    "CategoryEncoding",
    "Discretization",
    "HashedCrossing",
    "Hashing",
    "IntegerLookup",
    "StringLookup",
    "TextVectorization",
]
