"""Arrays that cross between processes."""

import os
import tempfile
import unittest

import numpy as np

from physrep.arrays import Arrays
from physrep.geometry import stream


class ArraysTest(unittest.TestCase):
    def setUp(self):
        self.files = [tempfile.TemporaryFile(), tempfile.TemporaryFile()]
        self.arrays = Arrays(*(file.fileno() for file in self.files))

    def tearDown(self):
        for file in self.files:
            file.close()

    def put(self, array):
        """Writes an array as the host does."""
        os.pwrite(self.files[0].fileno(), array.tobytes(), 0)
        return {"dtype": array.dtype.name, "shape": list(array.shape), "offset": 0}

    def test_a_copy_that_somebody_has_stays_as_it_is(self):
        first = np.arange(6, dtype=np.float32).reshape(2, 3)
        kept = self.arrays.read(self.put(first))[0, 1:]
        second = self.arrays.read(self.put(first + 10))
        np.testing.assert_array_equal(kept, first[0, 1:])
        np.testing.assert_array_equal(second, first + 10)

    def test_memory_that_nobody_has_is_used_again(self):
        array = np.ones((100, 100), np.float32)
        places = {self.arrays.read(self.put(array)).ctypes.data for _ in range(4)}
        self.assertEqual(len(places), 1)

    def test_a_borrowed_array_shows_the_next_one(self):
        borrowed = self.arrays.borrow(self.put(np.zeros(4, np.float32)))
        self.put(np.ones(4, np.float32))
        np.testing.assert_array_equal(borrowed, 1)

    def test_longer_arrays_than_before_are_read(self):
        for length in (1, 5000, 10, 1_000_000):
            array = np.arange(length, dtype=np.float32)
            np.testing.assert_array_equal(self.arrays.read(self.put(array)), array)

    def test_arrays_of_any_kind_are_written_one_after_the_other(self):
        arrays = {"scalar": np.float32(3), "flag": np.array(True), "turned": np.arange(6.0).reshape(2, 3).T, "none": np.empty((0, 3))}
        messages = self.arrays.write_all(arrays)
        content = os.pread(self.files[1].fileno(), 1 << 20, 0)
        for message in messages:
            array, expected = message["array"], np.asarray(arrays[message["name"]])
            self.assertEqual(array["offset"] % 64, 0)
            values = content[array["offset"] : array["offset"] + expected.nbytes]
            found = np.frombuffer(values, array["dtype"]).reshape(array["shape"])
            np.testing.assert_array_equal(found, expected)


class StreamTest(unittest.TestCase):
    def test_a_stream_depends_on_its_arguments_alone(self):
        draws = [stream(*of).normal() for of in [(0, "a", 1), (0, "a", 1), (0, "a", 2), (0, "b", 1), (1, "a", 1), (0, "a")]]
        self.assertEqual(draws[0], draws[1])
        self.assertEqual(len(set(draws)), 5)


if __name__ == "__main__":
    unittest.main()
