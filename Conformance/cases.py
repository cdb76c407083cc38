"""Has Autobahn's testsuite judge the server and the client, and judges its report.

The testsuite exits 0 whatever happens, even when the other end died half way or was never there:
so the number of cases is checked as well as the verdict on each.
"""
import argparse
import functools
import pathlib
import shutil
import sys

from fuzzing import REPORTS, ROOT, play_client_cases, play_server_cases

sys.path.insert(0, str(ROOT / "Tests" / "Peers"))

from echo_process import EchoProcess, usable_backends  # noqa: E402

CASE_COUNT = 301
# The largest message of 9.* has 16 MiB.
MAX_MESSAGE_BYTE_COUNT = 32 << 20

# A good peer may be called NON-STRICT in these by chance: the suite sends a message and a violation at
# once, and whether it has seen the echo before its connection ends is a matter of time.
CASES_DECIDED_BY_TIMING = {"4.1.5", "4.2.5"}
RETRY_COUNT = 3


def main():
    arguments = parsed_arguments()
    shutil.rmtree(REPORTS, ignore_errors=True)
    if arguments.url:
        play = functools.partial(play_server_cases, url=arguments.url)
        counts = [judge("given", play, arguments.case)]
    else:
        backends = usable_backends(arguments.backend or ["io_uring", "epoll"])
        roles = arguments.role or ["server", "client"]
        judges = {"server": judge_server, "client": judge_client}
        counts = [judges[role](backend, arguments.case) for role in roles for backend in backends]
    passed, failed = (sum(column) for column in zip(*counts))
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0 or passed == 0)


def parsed_arguments():
    parser = argparse.ArgumentParser(prog="Conformance/run")
    parser.add_argument("--backend", action="append", choices=["io_uring", "epoll"],
                        help="default: both")
    parser.add_argument("--role", action="append", choices=["server", "client"],
                        help="what is tested; default: both")
    parser.add_argument("--url", help="test this running server instead of starting echo")
    parser.add_argument("--case", action="append", metavar="PATTERN",
                        help="only these cases, such as 5.* or 7.1.1")
    return parser.parse_args()


def judge_server(backend, patterns):
    with EchoProcess(backend, "--max-message-bytes", str(MAX_MESSAGE_BYTE_COUNT)) as echo:
        play = functools.partial(play_server_cases, url=f"ws://127.0.0.1:{echo.port}")
        counts = judge(f"server-{backend}", play, patterns)
        if not echo.is_running or counts[1]:
            print(f"--- what echo on {backend} wrote:\n{echo.log()}")
    return counts


def judge_client(backend, patterns):
    play = functools.partial(play_client_cases, backend=backend)
    return judge(f"client-{backend}", play, patterns)


def judge(name, play, patterns):
    """Runs the cases and prints what is wrong; returns how many passed and how many did not."""
    print(f"--- {name}", flush=True)
    verdicts = play(name, patterns=patterns or ["*"])
    for case in sorted(CASES_DECIDED_BY_TIMING & verdicts.keys()):
        for attempt in range(1, RETRY_COUNT + 1):
            if verdicts[case]["behavior"] != "NON-STRICT":
                break
            print(f"{case}: NON-STRICT, which may be chance: run again ({attempt})", flush=True)
            verdicts.update(play(f"{name}-{case}-{attempt}", patterns=[case]))

    wrong = [case for case in sorted(verdicts, key=numbers) if not is_good(verdicts[case])]
    for case in wrong:
        verdict = verdicts[case]
        report = pathlib.Path(verdict["reportfile"]).with_suffix(".html")
        print(f"{case}: {verdict['behavior']}, close {verdict['behaviorClose']}"
              f" (code {verdict['remoteCloseCode']}), see {report} below {REPORTS.relative_to(ROOT)}")
    missing = 0 if patterns else CASE_COUNT - len(verdicts)
    if missing:
        print(f"{len(verdicts)} cases in the report, not {CASE_COUNT}")
    return len(verdicts) - len(wrong), len(wrong) + abs(missing)


def is_good(verdict):
    return {verdict["behavior"], verdict["behaviorClose"]} <= {"OK", "INFORMATIONAL"}


def numbers(case):
    return [int(part) for part in case.split(".")]


main()
