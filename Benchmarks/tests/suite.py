"""Every test of martlet-load; Benchmarks/tests/run prepares what they need."""

import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main():
    sys.path.insert(0, str(HERE.parent))  # for `harness`
    loader = unittest.TestLoader()
    if len(sys.argv) > 1:
        loader.testNamePatterns = [f"*{sys.argv[1]}*"]
    tests = loader.discover(str(HERE), pattern="*_test.py")
    outcome = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(tests)
    sys.exit(not outcome.wasSuccessful() or outcome.testsRun == 0)


main()
