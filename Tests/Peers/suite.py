"""Runs every peer against a running server; Tests/Peers/run prepares what this needs."""
import argparse
import pathlib
import sys
import unittest
import urllib.parse

import browser_test
from echo_process import EchoProcess, usable_backends
from peer_case import PeerCase


def main():
    arguments = parsed_arguments()
    browser_test.screenshot_folder = arguments.screenshots
    if arguments.url:
        address = urllib.parse.urlsplit(arguments.url)
        outcomes = [run_against(address.hostname, address.port, None, arguments.only)]
    else:
        outcomes = []
        for backend in usable_backends(arguments.backend or ["io_uring", "epoll"]):
            limit = str(PeerCase.max_message_byte_count)
            with EchoProcess(backend, "--max-message-bytes", limit) as echo:
                outcomes.append(run_against("127.0.0.1", echo.port, backend, arguments.only))
                if not echo.is_running:
                    raise SystemExit(f"echo on {backend} died:\n{echo.log()}")
                if not outcomes[-1].wasSuccessful():
                    print(f"--- what echo on {backend} wrote:\n{echo.log()}")

    failed = sum(len(outcome.failed_tests()) for outcome in outcomes)
    skipped = sum(len(outcome.skipped) for outcome in outcomes)
    passed = sum(outcome.testsRun for outcome in outcomes) - failed - skipped
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(failed > 0 or passed == 0)


def parsed_arguments():
    parser = argparse.ArgumentParser(prog="Tests/Peers/run")
    parser.add_argument("--backend", action="append", choices=["io_uring", "epoll"],
                        help="default: both")
    parser.add_argument("--url", help="test this running server instead of starting echo")
    parser.add_argument("--only", help="only tests whose name contains this")
    parser.add_argument("--screenshots", type=pathlib.Path, metavar="FOLDER",
                        help="keep pictures of the page there")
    return parser.parse_args()


def run_against(host, port, backend, only):
    print(f"--- {backend or 'given server'} at {host}:{port}", flush=True)
    PeerCase.host, PeerCase.port, PeerCase.backend = host, port, backend
    loader = unittest.TestLoader()
    if only:
        loader.testNamePatterns = [f"*{only}*"]
    tests = loader.discover(str(pathlib.Path(__file__).parent), pattern="*_test.py")
    runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Outcome)
    return runner.run(tests)


class Outcome(unittest.TextTestResult):
    def failed_tests(self):
        """A test fails once, however many of its cases do."""
        records = self.failures + self.errors
        return {getattr(test, "test_case", test).id() for test, _ in records}


main()
