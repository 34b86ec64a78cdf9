"""The uniform numbers of `stream(seed, purpose, index)` as docs/protocol.md defines it: ChaCha with 8 rounds, keyed by the three."""

import functools
import struct

import numpy as np

CONSTANTS = np.frombuffer(b"expand 32-byte k", "<u4")
QUARTERS = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]


def uniform(seed: int, purpose: str, index: int, count: int) -> np.ndarray:
    """The first `count` numbers of the stream, on [0, 1)."""
    hashed = functools.reduce(lambda h, byte: (h ^ byte) * 0x100000001B3 % 2**64, purpose.encode(), 0xCBF29CE484222325)
    key = np.frombuffer(struct.pack("<QQQ8s", seed, hashed, index, b"physrep1"), "<u4")
    blocks = np.arange(-(-count // 8), dtype="<u8").view("<u4").reshape(-1, 2)  # the counter, of two words
    start = np.column_stack([np.tile(np.concatenate([CONSTANTS, key]), (len(blocks), 1)), blocks, np.zeros_like(blocks)]).T
    words = start.copy()
    for quarter in 4 * QUARTERS:
        a, b, c, d = quarter
        for to, by, with_, bits in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)]:
            words[to] += words[by]
            words[with_] ^= words[to]
            words[with_] = words[with_] << bits | words[with_] >> (32 - bits)
    numbers = np.ascontiguousarray((words + start).T).view("<u8").reshape(-1)[:count]
    return (numbers >> np.uint64(11)) * 2.0**-53
