"""What is flat must pass, and what grows must not: the judgement of soaks, by made-up series."""
import random
import unittest

from judging import SAMPLES_MIN, grown, round_trips, thirds

MEGABYTE = 1_000_000


def series(count, p50, p99):
    """Samples whose figures are functions of the part of the time that has passed."""
    return [{"p50": p50(index / count), "p99": p99(index / count)} for index in range(count)]


def failed(samples):
    return [failure.split()[4] for failure in round_trips(samples)[1]]


class Memory(unittest.TestCase):
    def test_the_same_is_flat(self):
        self.assertFalse(grown(90 * MEGABYTE, 90 * MEGABYTE))

    def test_less_is_flat(self):
        self.assertFalse(grown(90 * MEGABYTE, 60 * MEGABYTE))

    def test_two_percent_are_allowed(self):
        self.assertFalse(grown(100 * MEGABYTE, 102 * MEGABYTE))

    def test_more_is_not(self):
        self.assertTrue(grown(100 * MEGABYTE, 102.1 * MEGABYTE))


class Thirds(unittest.TestCase):
    def test_the_middle_does_not_count(self):
        values = [1.0] * 40 + [99.0] * 20 + [2.0] * 40
        self.assertEqual(thirds(values), (1, 2))

    def test_the_beginning_does_not_count(self):
        self.assertEqual(thirds([500.0] * 10 + [3.0] * 90), (3, 3))

    def test_too_few_are_not_judged(self):
        self.assertIsNone(thirds([1.0] * (3 * SAMPLES_MIN - 1)))
        self.assertIsNone(thirds([]))


class RoundTrips(unittest.TestCase):
    def test_noise_is_flat(self):
        noise = random.Random(1)
        samples = series(100, lambda _: 800 * noise.uniform(0.7, 1.4), lambda _: 4000 * noise.lognormvariate(0, 0.7))
        self.assertEqual(failed(samples), [])

    def test_a_few_long_ones_are_not_judged(self):
        samples = series(100, lambda time: 800, lambda time: 400_000 if time > 0.88 else 4000)
        self.assertEqual(failed(samples), [])

    def test_a_machine_half_as_fast_is_flat(self):
        samples = series(100, lambda time: 800 if time < 0.5 else 1600, lambda time: 4000 if time < 0.5 else 16_000)
        self.assertEqual(failed(samples), [])

    def test_a_median_that_creeps_up_fails(self):
        samples = series(100, lambda time: 1000 + 4000 * time, lambda _: 20_000)
        self.assertEqual(failed(samples), ["p50"])

    def test_slowest_that_grow_without_end_fail(self):
        samples = series(100, lambda _: 1000, lambda time: 2000 + 100_000 * time ** 2)
        self.assertEqual(failed(samples), ["p99"])

    def test_what_is_within_a_turn_of_the_scheduler_is_flat(self):
        samples = series(100, lambda time: 100 if time < 0.5 else 1100, lambda _: 3000)
        self.assertEqual(failed(samples), [])

    def test_becoming_faster_is_no_failure(self):
        samples = series(100, lambda time: 5000 - 4900 * time, lambda time: 50_000 - 49_000 * time)
        self.assertEqual(failed(samples), [])

    def test_samples_without_an_answer_do_not_count(self):
        samples = series(100, lambda time: 800 if time < 0.7 else 0, lambda time: 4000 if time < 0.7 else 0)
        self.assertEqual(failed(samples), [])

    def test_too_few_are_told_and_not_judged(self):
        lines, failures = round_trips(series(10, lambda time: 100 + 90_000 * time, lambda _: 4000))
        self.assertEqual((len(lines), failures), (2, []))
        self.assertIn("too few", lines[0])


if __name__ == "__main__":
    unittest.main()
