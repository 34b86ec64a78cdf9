"""The configuration as a method sees it."""

import unittest

from physrep.errors import ConfigError
from physrep.method import namespace


class Keys(unittest.TestCase):
    def test_tables_are_objects(self):
        config = namespace({"dim": 8, "training": {"lr": 0.1}})
        self.assertEqual((config.dim, config.training.lr), (8, 0.1))

    def test_a_key_that_is_not_there_is_named_with_those_that_are(self):
        config = namespace({"dim": 8, "patch": 4})
        with self.assertRaisesRegex(ConfigError, "`width`, which is not in .config. of its method.toml; there is: dim, patch"):
            config.width
        self.assertFalse(hasattr(config, "width"))
        self.assertEqual(getattr(config, "width", 3), 3)


if __name__ == "__main__":
    unittest.main()
