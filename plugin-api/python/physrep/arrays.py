"""The two files in memory that hold the values of arrays: one that the host writes, and one that the method writes."""

import mmap
import os
import sys
from typing import Any

import numpy as np

_ALIGNMENT = 64


class Arrays:
    """Reads arrays of the host, and writes those of the method, by the descriptors that the program has inherited."""

    def __init__(self, arrays_of_host: int, arrays_of_method: int) -> None:
        os.set_inheritable(arrays_of_host, False)
        os.set_inheritable(arrays_of_method, False)
        self._host = arrays_of_host
        self._method = arrays_of_method
        self._mapped = self._copy = np.empty(0, np.uint8)

    def borrow(self, message: dict[str, Any]) -> np.ndarray:
        """An array of the host where it is; the next request overwrites it."""
        dtype, offset = _dtype(message["dtype"]), message["offset"]
        end = offset + dtype.itemsize * int(np.prod(message["shape"]))
        if end > self._mapped.size:
            self._mapped = np.frombuffer(mmap.mmap(self._host, os.fstat(self._host).st_size), np.uint8)
        return self._mapped[offset:end].view(dtype).reshape(message["shape"])

    def read(self, message: dict[str, Any]) -> np.ndarray:
        """A copy of an array of the host."""
        source = self.borrow(message)
        # The last copy's memory is used again if nobody has a view of it: fresh memory costs more than copying.
        if self._copy.size < source.nbytes or sys.getrefcount(self._copy) > 2:
            self._copy = np.empty(source.nbytes, np.uint8)
        copy = self._copy[: source.nbytes].view(source.dtype).reshape(source.shape)
        np.copyto(copy, source)
        return copy

    def read_all(self, messages: list[dict[str, Any]]) -> dict[str, np.ndarray]:
        """Copies of arrays of the host, by name."""
        return {message["name"]: self.borrow(message["array"]).copy() for message in messages}

    def write(self, array: np.ndarray, offset: int = 0) -> dict[str, Any]:
        """Writes an array of the method; gives what a message says of it."""
        shape, array = list(np.shape(array)), np.ascontiguousarray(array)
        source, at = memoryview(array.reshape(-1).view(np.uint8)), offset
        while source:
            count = os.pwrite(self._method, source, at)
            source, at = source[count:], at + count
        return {"dtype": array.dtype.name, "shape": shape, "offset": offset}

    def write_all(self, arrays: dict[str, Any]) -> list[dict[str, Any]]:
        """Writes arrays one after the other."""
        messages, offset = [], 0
        for name, array in arrays.items():
            array = np.asarray(array)
            messages.append({"name": name, "array": self.write(array, offset)})
            offset += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
        return messages


def _dtype(name: str) -> np.dtype:
    if name == "bfloat16":  # numpy learns this type from a package that jax brings
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(name)
