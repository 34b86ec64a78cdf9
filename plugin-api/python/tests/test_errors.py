"""What a row says of an exception."""

import contextlib
import os
import tempfile
import unittest
from pathlib import Path

from physrep.errors import Unsupported
from physrep.serve import _sentence

CODE = """
import json

def fails_inside_a_library():
    json.loads("nothing")
"""


class Sentence(unittest.TestCase):
    def sentence_of(self, file: str) -> str:
        """Of an exception in a library that the method calls in its file; the working directory is the method's folder."""
        with tempfile.TemporaryDirectory() as folder, _working_in(folder):
            names: dict = {}
            exec(compile(CODE, str(Path.cwd() / file), "exec"), names)
            try:
                names["fails_inside_a_library"]()
            except ValueError as error:
                return _sentence("encode", error)
        raise AssertionError("nothing was raised")

    def test_it_names_the_line_of_the_method_not_that_of_a_library(self):
        self.assertRegex(self.sentence_of("method.py"), r"^encode raised json\..*JSONDecodeError: .* \(line 5 of /.*/method\.py\)$")

    def test_an_environment_in_the_folder_is_not_the_method(self):
        self.assertRegex(self.sentence_of(".venv/lib/site-packages/library.py"), r"\(line \d+ of /.*/json/decoder\.py\)$")

    def test_an_error_of_the_package_stands_as_it_is(self):
        self.assertEqual(_sentence("create", Unsupported("no grid of 3 points")), "no grid of 3 points")


@contextlib.contextmanager
def _working_in(folder: str):
    """contextlib.chdir, which Python 3.10 lacks."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


if __name__ == "__main__":
    unittest.main()
