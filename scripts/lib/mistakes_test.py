"""Whether mistakes are planted where they are meant to be, and whether one that does not fit is noticed."""

import tempfile
import unittest
from pathlib import Path

import mistakes

CODE = """\
struct Queue {
  var count: Int {
    first
  }

  func add(
    _ one: Int
  ) {
    first
    if one > 0 {
      second
    }
  }

  func add(_ other: String) {
    third
  }

  init() { first }
}

func remove() {
  second
}
"""


class MistakesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = Path(folder.name)
        (self.tree / "Sources/A").mkdir(parents=True)
        self.file = self.tree / "Sources/A/Queue.swift"
        self.file.write_text(CODE)
        self.mistake = self.tree / "it.mistake"

    def planted(self, text):
        self.mistake.write_text(text)
        for path, changed in mistakes.made(self.mistake, self.tree).items():
            path.write_text(changed)
        return self.file.read_text()

    def test_changes_the_function_that_is_named(self):
        text = self.planted("in Sources/A/Queue.swift, add\nold:\n  second\nnew:\n  if so {\n    wrong\n  }\n")
        self.assertEqual(text, CODE.replace("      second\n", "      if so {\n        wrong\n      }\n"))

    def test_takes_lines_away(self):
        text = self.planted("in Sources/A/Queue.swift, remove\nold:\n        second\nnew:\n")
        self.assertEqual(text, CODE.replace("\n  second\n", "\n"))

    def test_makes_several_changes(self):
        text = self.planted(
            "in Sources/A/Queue.swift, count\nold:\n  first\nnew:\n  one\n"
            "in Sources/A/Queue.swift, add\nold:\n  third\nnew:\n  two\n")
        self.assertEqual(text, CODE.replace("  first\n  }\n\n  func", "  one\n  }\n\n  func", 1).replace("third", "two"))

    def test_finds_a_file_that_has_moved(self):
        (self.tree / "Sources/B").mkdir()
        self.file = self.file.rename(self.tree / "Sources/B/Queue.swift")
        text = self.planted("in Sources/A/Queue.swift, remove\nold:\n  second\nnew:\n  wrong\n")
        self.assertIn("  wrong\n", text)

    def test_says_what_must_find_it(self):
        self.mistake.write_text("found by: test A/b\nin Sources/A/Queue.swift, add\nold:\n  third\nnew:\n")
        self.assertEqual(mistakes.read(self.mistake)[0], "test A/b")
        self.mistake.write_text("in Sources/A/Queue.swift, add\nold:\n  third\nnew:\n")
        self.assertEqual(mistakes.read(self.mistake)[0], "simulation")

    def test_notices_what_does_not_fit(self):
        for text in [
            "in Sources/A/Queue.swift, add\nold:\n  fourth\nnew:\n",  # no such line
            "in Sources/A/Queue.swift, remove\nold:\n  first\nnew:\n",  # only elsewhere
            "in Sources/A/Queue.swift, Queue\nold:\n  first\nnew:\n",  # more than once
            "in Sources/A/Queue.swift, gone\nold:\n  first\nnew:\n",  # no such function
            "in Sources/A/Stack.swift, add\nold:\n  third\nnew:\n",  # no such file
            "in Sources/A/Queue.swift, add\n",  # nothing
            "in Sources/A/Queue.swift, add\nold:\n  third\n",  # no new lines are said
            "found by: plan\nin Sources/A/Queue.swift, add\nold:\n  third\nnew:\n",  # by nothing that there is
            "in Sources/A/Queue.swift, add\nold:\n  third\nnew:\n\n"
            "in Sources/A/Queue.swift, add\nold:\n  third\nnew:\n",  # what an earlier change has taken away
            "add\n",
        ]:
            with self.subTest(text), self.assertRaises(mistakes.Unfit):
                self.planted(text)


if __name__ == "__main__":
    unittest.main()
