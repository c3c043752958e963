"""Hashing and HashedCrossing: the fingerprints are the published ones, alone and side by side."""

from __future__ import annotations

import random
import time
from typing import Any

import numpy as np
import pytest

from neurona.errors import ArgumentError, ShapeError
from neurona.layers import HashedCrossing, Hashing
from neurona.layers.lookup.fingerprint import combine, farm_fingerprint, sip_hash

# made by TensorFlow's to_hash_bucket_fast and to_hash_bucket_strong (key 3, 4611686018427387909), modulo 2**62,
# of the bytes 0, 7, 14, ... (modulo 256)
MADE = {
    0: (1936946117179621455, 4427648140042985144),
    1: (4494688008148699988, 4538488692564999302),
    2: (3713569988169443241, 3062495879547220309),
    3: (3225035365289182248, 2988230063704893650),
    4: (365121004050576997, 2619683816153236314),
    5: (2251359278607051727, 1856646562905772410),
    6: (2531549738150078283, 4441720143293703636),
    7: (1123016345076934235, 1240528376263363044),
    8: (2037891737372276647, 643822837177340551),
    9: (4162435510252670196, 399515327778971505),
    10: (537123754379327318, 3768830967003041694),
    11: (1389316561910014391, 4071290437771426396),
    12: (2917594698257753930, 1267029428667209394),
    13: (624716977628144454, 2923578963396981414),
    14: (580074982929564623, 864438050940949273),
    15: (954860331974991495, 2140824385082551490),
    16: (4301628150755241371, 4054440996111455133),
    17: (2691913911681613940, 1468356856228997575),
    18: (3642120481395439390, 4517337520975119312),
    19: (2357201286887902068, 2970655379405403228),
    20: (1516716198070093992, 2011296355906916362),
    21: (6171887959644473, 1147284963862389475),
    22: (1457139208095286689, 1664832921383298114),
    23: (1007773240049921362, 972124772821588745),
    24: (2818235109509254926, 2977563479478444562),
    25: (1899837544202146120, 461456727152879261),
    26: (1937932704037217508, 4396089265436819126),
    27: (483261610701220414, 3016877444314060001),
    28: (3616926066946720897, 4010562552140170794),
    29: (4371487230068573973, 4417033657943155534),
    30: (3500461407446679254, 3798260022109957006),
    31: (3692271659337506713, 3697823106038875276),
    32: (764915578794662492, 3352629398375050642),
    33: (4270527518038761543, 1633600899992324441),
    40: (3166589992380210024, 1742867936490685799),
    48: (4142760582267703430, 3267824479443613856),
    63: (16054428070569030, 1397485743983367351),
    64: (2325104078259550602, 334690901596238776),
    65: (1750252573709625707, 728653782591815178),
    100: (1786504463739393525, 3612643412245838609),
    127: (2773666245838015522, 3769598599185500528),
    128: (2861393397590574203, 1674405001866553356),
    129: (3220739459477131867, 1769538366150158475),
    200: (1800212452726993940, 1807716459613037455),
    1000: (1529728316342999935, 2383322823007633967),
}


def text_of(length: int) -> bytes:
    return bytes(7 * i % 256 for i in range(length))


@pytest.mark.parametrize("together", [False, True])
def test_fingerprints_are_tensorflows(together: bool) -> None:
    """Alone a text goes through Python's integers; with twenty of its kind through NumPy's words."""
    for length, (farm, sip) in MADE.items():
        texts = [text_of(length)] * (20 if together else 1)
        assert {int(h) % 2**62 for h in farm_fingerprint(texts)} == {farm}, length
        assert {int(h) % 2**62 for h in sip_hash(texts, (3, 2**62 + 5))} == {sip}, length


def test_siphash_gives_the_values_of_its_paper() -> None:
    """The example of the appendix: key 00 01 ... 0f, message 00 01 ... 0e."""
    key = [int.from_bytes(bytes(range(8)), "little"), int.from_bytes(bytes(range(8, 16)), "little")]
    assert int(sip_hash([bytes(range(15))], key)[0]) == 0xA129CA6149BE45E5


def test_texts_of_mixed_lengths_do_not_disturb_each_other() -> None:
    rng = random.Random(0)
    texts = [rng.randbytes(rng.randrange(200)) for _ in range(300)]
    for function in (farm_fingerprint, lambda t: sip_hash(t, (1, 2))):
        together = function(texts)
        assert together.tolist() == [int(function([text])[0]) for text in texts]
        assert len(set(together.tolist())) > 280
    assert farm_fingerprint([]).shape == (0,)


def test_order_counts_in_a_cross() -> None:
    one, two = farm_fingerprint([b"a"]), farm_fingerprint([b"b"])
    assert combine(one, two).tolist() != combine(two, one).tolist()
    assert combine(one, two).tolist() == [combine(int(one[0]), int(two[0]))]


def test_bins_of_texts_and_numbers() -> None:
    layer = Hashing(num_bins=5)
    np.testing.assert_array_equal(layer([12, -3]).numpy(), layer(["12", "-3"]).numpy())
    np.testing.assert_array_equal(layer([12.9, -3.9]).numpy(), layer(["12", "-3"]).numpy())
    masked = Hashing(num_bins=5, mask_value="")
    found = masked([f"w{i}" for i in range(50)] + [""]).numpy()
    assert found[-1] == 0
    assert set(found[:-1].tolist()) == {1, 2, 3, 4}
    assert Hashing(num_bins=3, mask_value=7)([7, 8]).numpy()[0] == 0
    assert Hashing(num_bins=4, output_mode="count")([["a", "a"], ["b", "c"]]).numpy().sum(axis=1).tolist() == [2, 2]
    assert Hashing(num_bins=4, dtype="int32")(["a"]).numpy().dtype == np.int32


def test_a_long_text_takes_linear_time() -> None:
    started = time.process_time()
    assert 0 <= int(Hashing(10)(["a" * 400_000]).numpy()[0]) < 10
    assert 0 <= int(Hashing(10, salt=1)(["a" * 200_000]).numpy()[0]) < 10
    assert time.process_time() - started < 10


def test_crosses() -> None:
    words, numbers = ["A", "B", "A", "B", "A"], [101, 101, 101, 102, 102]
    assert HashedCrossing(num_bins=5)((words, numbers)).numpy().tolist() == [1, 4, 1, 1, 3]
    column = HashedCrossing(num_bins=5)(([[w] for w in words], np.array(numbers)[:, None]))
    assert column.numpy().tolist() == [[1], [4], [1], [1], [3]]
    hot = HashedCrossing(num_bins=5, output_mode="one_hot")((words, numbers)).numpy()
    assert hot.argmax(axis=1).tolist() == [1, 4, 1, 1, 3]
    assert int(HashedCrossing(num_bins=5)(("A", np.array(101))).numpy()) == 1


ERRORS: list[tuple[Any, dict[str, Any], str]] = [
    (Hashing, {"num_bins": 0}, "non-positive"),
    (Hashing, {"num_bins": 3, "dtype": "float32"}, "integer type"),
    (Hashing, {"num_bins": 3, "output_mode": "x"}, "output_mode"),
    (Hashing, {"num_bins": 3, "salt": "x"}, "single integer"),
    (Hashing, {"num_bins": 3, "sparse": True, "output_mode": "count"}, "dense tensors only"),
    (HashedCrossing, {"num_bins": 3, "output_mode": "count"}, "output_mode"),
    (HashedCrossing, {"num_bins": 3, "sparse": True}, "dense tensors only"),
]


@pytest.mark.parametrize(("layer", "settings", "words"), ERRORS)
def test_settings_that_cannot_be_meant(layer: Any, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        layer(**settings)


def test_calls_that_cannot_be_meant() -> None:
    cross = HashedCrossing(num_bins=3)
    with pytest.raises(ArgumentError, match="list or tuple"):
        cross(np.array(["a"]))
    with pytest.raises(ArgumentError, match="at least two"):
        cross((["a"],))
    with pytest.raises(ShapeError, match="equal shape"):
        cross((["a", "b"], [1]))
    with pytest.raises(ShapeError, match="should have shape"):
        cross(([["a", "b"]], [[1, 2]]))
    with pytest.raises(ArgumentError, match="integer or string"):
        cross((["a"], [1.5]))
    with pytest.raises(ArgumentError, match="finite"):
        Hashing(3)([float("nan")])
