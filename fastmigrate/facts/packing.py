"""Packing: the links of a file as bytes, to be kept, or sent from one process to another."""

from __future__ import annotations

import zlib

import msgspec

from fastmigrate.facts.values import ModuleLinks

__all__ = ["pack", "unpack"]

_decoder = msgspec.msgpack.Decoder(ModuleLinks)


def pack(links: ModuleLinks, level: int = 1) -> bytes:
    """The links of a file, compressed by this level of zlib; nothing if there is no way to write them down.

    A number of more than 64 bits, say, or a text that is none.
    """
    try:
        return zlib.compress(msgspec.msgpack.encode(links), level)
    except (OverflowError, RecursionError, TypeError, ValueError):
        return b""


def unpack(packed: bytes) -> ModuleLinks | None:
    """The links that were packed; None of anything else."""
    try:
        return _decoder.decode(zlib.decompress(packed))
    except (zlib.error, msgspec.MsgspecError, RecursionError):
        return None
