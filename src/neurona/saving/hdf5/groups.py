"""Groups: the names in them, and what each leads to."""

from __future__ import annotations

from neurona.saving.hdf5.blocks import UNDEFINED, Block, Source
from neurona.saving.hdf5.headers import Object

__all__ = ["ELSEWHERE", "is_group", "read_links"]

ELSEWHERE = -1  # in place of an address: a soft or external link

_LINK_INFO, _LINK, _SYMBOL_TABLE = 0x02, 0x06, 0x11
_SOFT = 2  # how an entry of a symbol table marks a soft link
_DEEPEST = 20  # levels of a tree; each has room for 32 times as many names


def is_group(thing: Object) -> bool:
    """Whether it holds names, rather than numbers."""
    return any(message.kind in (_LINK_INFO, _LINK, _SYMBOL_TABLE) for message in thing.messages)


def read_links(group: Object) -> dict[str, int]:
    """The names in a group with the address of each object; `ELSEWHERE` for a link that leaves its place."""
    source = group.source
    found: list[tuple[str, int]] = []
    table = group.find(_SYMBOL_TABLE)
    if table is not None:
        tree, heap = table.number(8), table.number(8)
        _walk_tree(source, tree, _heap(source, heap), found)
    info = group.find(_LINK_INFO)
    if info is not None:
        info.skip(1)
        info.skip(8 if info.number(1) & 1 else 0)
        if info.number(8) != UNDEFINED:
            source.unknown("a group of many names in the form of libver='latest'")
    found += [_link(source, block) for block in group.all(_LINK)]
    strange = [name for name, _ in found if name in ("", ".", "..") or "/" in name]
    if strange:
        source.damaged(f"a group has the name {strange[0]!r}")
    links = dict(found)
    if len(links) != len(found):
        source.damaged("a group has a name twice")
    return links


def _heap(source: Source, address: int) -> Block:
    """The names of a group, one behind the other."""
    head = source.block(address, 32, b"HEAP")
    head.skip(4)
    size = head.number(8)
    head.skip(8)
    return source.block(head.number(8), size)


def _walk_tree(source: Source, address: int, names: Block, found: list[tuple[str, int]]) -> None:
    waiting = [(address, _DEEPEST)]
    while waiting:
        address, above = waiting.pop()
        node = source.block(address, 24, b"TREE")
        kind, level, count = node.number(1), node.number(1), node.number(2)
        if kind != 0 or level >= above:
            source.damaged(f"the tree of a group is wrong at byte {address}")
        entries = source.block(address + 24, 16 * count + 8)
        children = []
        for _ in range(count):
            entries.skip(8)
            children.append(entries.number(8))
        source.work(count)
        if level:
            waiting += [(child, level) for child in reversed(children)]
        else:
            for child in children:
                _read_symbols(source, child, names, found)


def _read_symbols(source: Source, address: int, names: Block, found: list[tuple[str, int]]) -> None:
    head = source.block(address, 8, b"SNOD")
    head.skip(2)
    count = head.number(2)
    entries = source.block(address + 8, 40 * count)
    source.work(count)
    for _ in range(count):
        name, target, kind = entries.number(8), entries.number(8), entries.number(4)
        entries.skip(20)
        start = names.at + name
        stop = source.data.find(b"\0", start, names.end)
        if stop < 0:
            source.damaged(f"a name is missing at byte {start}")
        source.work((stop - start) // 8)
        found.append((source.text(source.data[start:stop]), ELSEWHERE if kind == _SOFT else target))


def _link(source: Source, block: Block) -> tuple[str, int]:
    """A link of the newer form, a message of its own."""
    if block.number(1) != 1:
        source.damaged("a link is of an unknown version")
    flags = block.number(1)
    kind = block.number(1) if flags & 8 else 0
    block.skip((8 if flags & 4 else 0) + (1 if flags & 16 else 0))
    name = source.text(block.take(block.number(1 << (flags & 3))))
    return name, ELSEWHERE if kind else block.number(8)
