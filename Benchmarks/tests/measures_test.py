"""That no allocation is rounded away."""

import unittest

from harness import measures, report
from harness.programs import echo


class Allocations(unittest.TestCase):
    def counted(self, *windows):
        """What is reported of these windows, and how many of them were needed."""
        left = list(windows)
        return measures.steady_count(lambda: left.pop(0)), len(windows) - len(left)

    def test_a_pool_that_grows_once_more_is_forgiven(self):
        self.assertEqual(self.counted(25, 0), (0, 2))

    def test_what_is_allocated_in_every_window_is_found(self):
        self.assertEqual(self.counted(25, 30), (25, 2))
        self.assertEqual(self.counted(30, 25), (25, 2))

    def test_nothing_needs_no_second_look(self):
        self.assertEqual(self.counted(0, 7), (0, 1))

    def test_25_of_50000_messages_are_too_many(self):
        program = echo("epoll")
        limits = {key: 0 for key in report.COUNTS} | {"ratio_to_floor": {}}
        counts = {program.name: {"allocations_per_message": 25 / 50_000}}
        self.assertEqual(len(report.violations(limits, {}, counts, False)), 1)
