"""Attention: every query takes the mean of the values, weighted by how well their keys fit."""

from __future__ import annotations

from neurona.layers.attention.additive import AdditiveAttention
from neurona.layers.attention.dot_product import Attention
from neurona.layers.attention.grouped_query import GroupQueryAttention
from neurona.layers.attention.multi_head import MultiHeadAttention

__all__ = ["AdditiveAttention", "Attention", "GroupQueryAttention", "MultiHeadAttention"]
