"""einsum: products and sums spelled with a letter for each axis.

Nearly all of them are matrix products in disguise. ``"abc,cde->abde"``, the projection of an attention, is one of
(a b, c) with (c, d e); ``"btnh,bsnh->bnts"`` is one for each b and n. So the letters of two operands are sorted into
those that both have and the result keeps (the *batch*), those that are summed, and those that one operand has alone;
the axes are brought into that order, as views wherever that works, and a fast product does the rest.
"""

from __future__ import annotations

import functools
import math
import string
from typing import Any, NamedTuple

import numpy as np

from neurona.cases import Case, Failure
from neurona.errors import ArgumentError, ShapeError
from neurona.ops.elementwise import unbroadcast
from neurona.ops.linalg import matmul
from neurona.tape import op
from neurona.tensor import Array, Arrays, Tensor, TensorLike, as_array

__all__ = ["einsum"]

Needs = tuple[bool, ...]


def _spell_out(subscripts: str, operands: Arrays) -> tuple[list[str], str]:
    """The letters of every operand and of the result; an ellipsis becomes letters too, the result is never
    implied."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise ArgumentError(
            f"einsum expected {len(terms)} operands for {subscripts!r}. Received: {len(operands)} operands."
        )
    spare = [c for c in string.ascii_letters if c not in subscripts]
    lengths = [x.ndim - len(t.replace("...", "")) if "..." in t else 0 for t, x in zip(terms, operands, strict=True)]
    dots = "".join(spare[: max([*lengths, 0])])
    full = [t.replace("...", dots[len(dots) - n :]) for t, n in zip(terms, lengths, strict=True)]
    for term, x, written in zip(full, operands, terms, strict=True):
        if len(term) != x.ndim:
            raise ShapeError(
                f"einsum expected an operand of {len(written)} axes for {written!r} in {subscripts!r}. "
                f"Received: shape {x.shape}."
            )
    if arrow:
        return full, right.replace("...", dots)
    once = sorted(c for c in set("".join(full)) - set(dots) if "".join(full).count(c) == 1)
    return full, dots + "".join(once)


class _Product(NamedTuple):
    """How two operands are multiplied as matrices; letters stand for axes."""

    swapped: bool  # the second operand comes first
    batch: str
    left: str
    summed: str
    right: str
    lone: tuple[str, str]  # letters that one operand has alone and the result lacks: summed away at once


@functools.lru_cache(maxsize=1024)
def _as_product(first: str, second: str, result: str) -> _Product | None:
    """The matrix product behind two terms; ``None`` where there is none (nothing is summed, or a diagonal taken)."""
    if any(len(set(term)) < len(term) for term in (first, second, result)) or set(result) - set(first + second):
        return None
    swapped = next((c in second for c in result if (c in first) != (c in second)), False)
    if swapped:
        first, second = second, first
    summed = "".join(c for c in second if c in first and c not in result)
    if not summed:
        return None
    return _Product(
        swapped,
        batch="".join(c for c in result if c in first and c in second),
        left="".join(c for c in result if c in first and c not in second),
        summed=summed,
        right="".join(c for c in result if c in second and c not in first),
        lone=(
            "".join(c for c in first if c not in second and c not in result),
            "".join(c for c in second if c not in first and c not in result),
        ),
    )


def _multiply(first: str, a: Array, second: str, b: Array, result: str) -> Array:
    """The sum of products of two operands."""
    product = _as_product(first, second, result)
    sizes = dict(zip(first + second, a.shape + b.shape, strict=True))
    if product is None or any(sizes[c] != n for c, n in zip(first, a.shape, strict=True)):
        return np.asarray(np.einsum(f"{first},{second}->{result}", a, b))
    if product.swapped:
        first, a, second, b = second, b, first, a
    batch, left, summed, right = product.batch, product.left, product.summed, product.right
    rows, columns, inner = (math.prod(sizes[c] for c in letters) for letters in (left, right, summed))
    many = [sizes[c] for c in batch]
    a = _arranged(first, a, product.lone[0], batch + left + summed).reshape(*many, rows, inner)
    b = _arranged(second, b, product.lone[1], batch + summed + right).reshape(*many, inner, columns)
    if not batch:
        y = np.asarray(matmul.compute((a, b), {}))
    elif len(left) < 2 and len(right) < 2:  # written where it belongs, without a copy afterwards
        y = np.empty([sizes[c] for c in result], a.dtype)
        np.matmul(a, b, out=_arranged(result, y, "", batch + left + right).reshape(*many, rows, columns))
        return y
    else:
        y = a @ b
    made = batch + left + right
    return y.reshape([sizes[c] for c in made]).transpose([made.index(c) for c in result])


def _arranged(term: str, x: Array, lone: str, order: str) -> Array:
    """`x` without its lone axes and with the others in this order."""
    if lone:
        x = np.asarray(x.sum(axis=tuple(term.index(c) for c in lone), dtype=x.dtype))
        term = "".join(c for c in term if c not in lone)
    return x if term == order else x.transpose([term.index(c) for c in order])


def _sum_of_products(terms: list[str], operands: Arrays, result: str) -> Array:
    if len(operands) == 2:
        return _multiply(terms[0], operands[0], terms[1], operands[1], result)
    # only several operands gain from a plan that goes through matrix products
    return np.asarray(np.einsum(f"{','.join(terms)}->{result}", *operands, optimize=len(operands) > 1))


@op(
    cases=[
        Case(["N C", "C F"], subscripts="ij,jk->ik"),
        Case(["N C"], subscripts="ij->j"),
        Case(["C C"], subscripts="ii->i"),
        Case(["C C"], subscripts="ii"),
        Case(["N C", "N C"], subscripts="ij,ij->"),
        Case(["N C", "F C", "F"], subscripts="ij,kj,k->i"),
        Case(["A B N C", "B C F"], subscripts="...ij,...jk->...ik"),
        Case(["N C", "N 1"], subscripts="ij,ij->ij"),
        Case(["N C", "C F"], subscripts="ij,jk"),
        Case(["N T C", "C A F"], subscripts="abc,cde->abde"),
        Case(["N S A C", "N T A C"], subscripts="aecd,abcd->acbe"),
        Case(["N A T S", "N S A C"], subscripts="acbe,aecd->abcd"),
        Case(["N A C", "N B C F"], subscripts="nac,nbcf->nfab"),
        Case(["N A C", "C 1"], subscripts="nac,cb->nb"),
        Case(["N C", "1 F"], subscripts="nc,cf->nf"),
    ],
    errors=[
        Failure(["2 3"], subscripts="ij,jk->ik", match="expected 2 operands"),
        Failure(["2 3"], subscripts="ijk->i", match="expected an operand of 3 axes"),
        Failure(["2 3", "4 2"], subscripts="ij,jk->ik", match="einsum could not match"),
    ],
    promote="binary",
)
def _einsum(operands: Arrays, subscripts: str) -> Array:
    """Einstein's summation, see `einsum`."""
    terms, result = _spell_out(subscripts, operands)
    try:
        return _sum_of_products(terms, operands, result)
    except ValueError as error:
        shapes = ", ".join(str(x.shape) for x in operands)
        raise ShapeError(f"einsum could not match {subscripts!r} with shapes {shapes}: {error}.") from None


@_einsum.gradient
def _(g: Array, y: Array, operands: Arrays, subscripts: str, needs: Needs) -> list[Array | None]:
    terms, result = _spell_out(subscripts, operands)
    sizes: dict[str, int] = {}
    for term, x in zip(terms, operands, strict=True):
        for letter, n in zip(term, x.shape, strict=True):
            sizes[letter] = n if sizes.get(letter, 1) == 1 else sizes[letter]
    return [_einsum_slope(g, i, terms, result, operands, sizes) if needed else None for i, needed in enumerate(needs)]


def _einsum_slope(g: Array, i: int, terms: list[str], result: str, operands: Arrays, sizes: dict[str, int]) -> Array:
    """The gradient of operand i: the arriving one and the other operands, summed down to its letters."""
    x, term = operands[i], terms[i]
    letters = "".join(dict.fromkeys(term))  # each once: "ii" is a diagonal
    rest = [(t, o) for j, (t, o) in enumerate(zip(terms, operands, strict=True)) if j != i]
    known = set(result).union(*(t for t, _ in rest))
    lone = [c for c in letters if c not in known]  # summed away at once: every place gets the same
    pieces = [(result, g), *rest, *((c, np.ones(sizes[c], g.dtype)) for c in lone)]
    d = _sum_of_products([t for t, _ in pieces], [o for _, o in pieces], letters)
    own = [x.shape[term.index(c)] for c in letters]
    if list(d.shape) != own:
        d = unbroadcast(np.broadcast_to(d, [sizes[c] for c in letters]), np.empty(own))  # a length of 1 served many
    if len(letters) == len(term):
        return d
    full = np.zeros(x.shape, d.dtype)
    np.einsum(f"{term}->{letters}", full)[...] = d  # a view of the diagonal
    return full


def einsum(subscripts: str, *operands: TensorLike, **kwargs: Any) -> Tensor:
    """Einstein's summation: multiply operands whose axes have letters, and sum over letters that the
    result lacks.

    Args:
        subscripts: e.g. ``"ij,jk->ik"``, the product of matrices; "..." stands for further axes.
        operands: one tensor for each group of letters.
        kwargs: accepted for Keras's sake; the order of the products is chosen by itself.

    Raises:
        ArgumentError: another number of operands.
        ShapeError: shapes that do not fit the letters.

    >>> einsum("ij,j->i", [[1.0, 2.0]], [3.0, 4.0])
    Tensor([11.], dtype=float32)
    """
    factors = [as_array(x) if isinstance(x, (int, float)) else x for x in operands]
    return _einsum(factors, subscripts=subscripts)  # type: ignore[no-any-return]
