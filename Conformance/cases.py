"""Runs Autobahn's fuzzing client against servers and judges its report.

The testsuite exits 0 whatever happens, even when the server died half way or was never there:
so the number of cases is checked as well as the verdict on each.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests" / "Peers"))

from echo_process import EchoProcess, usable_backends  # noqa: E402

TESTSUITE = ROOT / ".build" / "conformance" / "testsuite" / "bin" / "wstest"
REPORTS = ROOT / ".build" / "conformance" / "reports"

# 12 and 13 are about permessage-deflate. A pattern is a prefix.
EXCLUDED_CASES = ["12.*", "13.*"]
CASE_COUNT = 301
# The largest message of 9.* has 16 MiB.
MAX_MESSAGE_BYTE_COUNT = 32 << 20
RUN_SECONDS = 200

# A good server may be called NON-STRICT in these by chance: the suite sends a message and a violation at
# once, and whether it has seen the echo before its connection ends is a matter of time.
CASES_DECIDED_BY_TIMING = {"4.1.5", "4.2.5"}
RETRY_COUNT = 3


def main():
    arguments = parsed_arguments()
    shutil.rmtree(REPORTS, ignore_errors=True)
    passed = failed = 0
    if arguments.url:
        passed, failed = judge("given", arguments.url, arguments.case)
    else:
        for backend in usable_backends(arguments.backend or ["io_uring", "epoll"]):
            with EchoProcess(backend, "--max-message-bytes", str(MAX_MESSAGE_BYTE_COUNT)) as echo:
                counts = judge(backend, f"ws://127.0.0.1:{echo.port}", arguments.case)
                if not echo.is_running or counts[1]:
                    print(f"--- what echo on {backend} wrote:\n{echo.log()}")
            passed, failed = passed + counts[0], failed + counts[1]
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0 or passed == 0)


def parsed_arguments():
    parser = argparse.ArgumentParser(prog="Conformance/run")
    parser.add_argument("--backend", action="append", choices=["io_uring", "epoll"],
                        help="default: both")
    parser.add_argument("--url", help="test this running server instead of starting echo")
    parser.add_argument("--case", action="append", metavar="PATTERN",
                        help="only these cases, such as 5.* or 7.1.1")
    return parser.parse_args()


def judge(name, url, patterns):
    """Runs the cases and prints what is wrong; returns how many passed and how many did not."""
    print(f"--- {name}: {url}", flush=True)
    verdicts = run_cases(name, url, patterns or ["*"])
    for case in sorted(CASES_DECIDED_BY_TIMING & verdicts.keys()):
        for attempt in range(1, RETRY_COUNT + 1):
            if verdicts[case]["behavior"] != "NON-STRICT":
                break
            print(f"{case}: NON-STRICT, which may be chance: run again ({attempt})", flush=True)
            verdicts.update(run_cases(f"{name}-{case}-{attempt}", url, [case]))

    wrong = [case for case in sorted(verdicts, key=numbers) if not is_good(verdicts[case])]
    for case in wrong:
        verdict = verdicts[case]
        report = (REPORTS / name / verdict["reportfile"]).relative_to(ROOT).with_suffix(".html")
        print(f"{case}: {verdict['behavior']}, close {verdict['behaviorClose']}"
              f" (code {verdict['remoteCloseCode']}), see {report}")
    missing = 0 if patterns else CASE_COUNT - len(verdicts)
    if missing:
        print(f"{len(verdicts)} cases in the report, not {CASE_COUNT}")
    return len(verdicts) - len(wrong), len(wrong) + abs(missing)


def is_good(verdict):
    return {verdict["behavior"], verdict["behaviorClose"]} <= {"OK", "INFORMATIONAL"}


def numbers(case):
    return [int(part) for part in case.split(".")]


def run_cases(name, url, patterns):
    """The testsuite's verdicts by case; the report stays in a folder of that name."""
    folder = REPORTS / name
    folder.mkdir(parents=True)
    configuration = folder / "fuzzingclient.json"
    configuration.write_text(json.dumps({
        "outdir": str(folder),
        "servers": [{"agent": name, "url": url}],
        "cases": patterns,
        "exclude-cases": EXCLUDED_CASES,
        "exclude-agent-cases": {},
    }))
    log = folder / "wstest.log"
    with log.open("wb") as output:
        try:
            subprocess.run([TESTSUITE, "-m", "fuzzingclient", "-s", configuration], cwd=folder,
                           stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                           timeout=RUN_SECONDS, check=True)
        except subprocess.SubprocessError as error:
            print(f"{name}: {error}; see {log}", flush=True)
    index = folder / "index.json"
    # A server that was never there is missing from the report, too.
    return json.loads(index.read_text()).get(name, {}) if index.exists() else {}


main()
