import os
import subprocess
import sys
import time
import unittest

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "watch_tests.py")
sys.path.insert(0, os.path.dirname(SCRIPT))

import watch_tests  # noqa: E402


def watch(limit, script):
    """What becomes of a shell script that says what tests do."""
    begin = time.monotonic()
    process = subprocess.run(
        [sys.executable, "-B", SCRIPT, str(limit), "bash", "-c", script],
        stdout=subprocess.PIPE, text=True, timeout=30)
    return process.returncode, process.stdout, time.monotonic() - begin


class WatchingTests(unittest.TestCase):
    def test_output_and_status_are_passed_on(self):
        status, output, _ = watch(5, "echo one; echo two >&2; exit 7")
        self.assertEqual((status, output), (7, "one\ntwo\n"))

    def test_a_test_that_does_not_end_is_named_and_ended(self):
        status, output, seconds = watch(
            1, 'echo "◇ Test run started."; echo "◇ Test \\"waits for ever\\" started."; sleep 20 & wait')
        self.assertEqual(status, 124)
        self.assertIn('FAILED: the test "waits for ever" has not ended after 1 s', output)
        self.assertLess(seconds, 8)

    def test_each_test_has_the_time_for_itself(self):
        script = "for n in 1 2 3 4; do echo \"◇ Test t$n() started.\"; sleep 0.8; echo \"✔ Test t$n() passed after 0.8 seconds.\"; done"
        self.assertEqual(watch(1.5, script)[0], 0)

    def test_a_name_may_say_that_something_failed(self):
        running = watch_tests.Running()
        running.note('◇ Test "what has failed or passed is told" started.', 10)
        running.note('✔ Test "what has failed or passed is told" passed after 0.001 seconds.', 11)
        self.assertEqual(running.overdue(5, 20), [])

    def test_cases_are_watched_as_one_test(self):
        running = watch_tests.Running()
        running.note('◇ Test "a" started.', 10)
        running.note('◇ Test case passing 1 argument kind → .epoll to "a" started.', 10)
        running.note('✔ Test "a" with 1 test case passed after 0.001 seconds.', 11)
        self.assertEqual(running.overdue(5, 20), [])

    def test_the_end_of_a_test_is_known_by_what_it_prints(self):
        for end in [
            '✔ Test "a" passed after 0.001 seconds.',
            '✔ Test "a" with 2 test cases passed after 0.001 seconds.',
            '✘ Test "a" failed after 0.002 seconds with 1 issue.',
            '✘ Test "a" with 2 test cases failed after 0.002 seconds with 3 issues.',
        ]:
            running = watch_tests.Running()
            running.note('◇ Test "a" started.', 10)
            self.assertEqual(running.overdue(5, 16), ['"a"'])
            running.note('✘ Test "a" recorded an issue at A.swift:1:1: Expectation failed', 16)
            self.assertEqual(running.overdue(5, 16), ['"a"'])
            running.note(end, 16)
            self.assertEqual(running.overdue(5, 100), [])


if __name__ == "__main__":
    unittest.main()
