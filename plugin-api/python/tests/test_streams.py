"""The streams that the example paper_jepa draws initial weights from."""

import importlib.util
import unittest
from pathlib import Path

import numpy as np

FILE = Path(__file__).parents[1] / "examples/paper_jepa/streams.py"


class Streams(unittest.TestCase):
    def setUp(self):
        spec = importlib.util.spec_from_file_location("streams", FILE)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self.uniform = module.uniform

    def test_it_is_the_stream_of_the_host(self):
        # The first number of this stream in plugin-api/random/tests/stream.rs.
        self.assertEqual(self.uniform(42, "golden", 7, 1)[0], 0.7730733128140983)

    def test_a_longer_draw_begins_with_a_shorter_one_and_is_uniform(self):
        draws = self.uniform(0, "parameter encoder.weight", 0, 10_001)
        np.testing.assert_array_equal(draws[:9], self.uniform(0, "parameter encoder.weight", 0, 9))
        self.assertEqual(len(np.unique(draws)), 10_001)
        self.assertLess(abs(draws.mean() - 0.5), 0.01)
        self.assertTrue(0 <= draws.min() and draws.max() < 1)


if __name__ == "__main__":
    unittest.main()
