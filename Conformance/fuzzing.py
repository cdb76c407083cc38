"""Runs Autobahn's testsuite, as a client against servers and as a server for clients.

Both ways of it return the testsuite's verdicts by case; the report stays in a folder of that name.
"""
import contextlib
import json
import pathlib
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
TESTSUITE = ROOT / ".build" / "conformance" / "testsuite" / "bin" / "wstest"
REPORTS = ROOT / ".build" / "conformance" / "reports"
CLIENT = ROOT / ".build" / "release" / "conformance-client"

# 12 and 13 are about permessage-deflate. A pattern is a prefix.
EXCLUDED_CASES = ["12.*", "13.*"]
RUN_SECONDS = 200
START_SECONDS = 30
# Many cases only wait; more of them at once would make the testsuite, one thread, too slow for others.
PARALLEL_COUNT = 4


def play_server_cases(name, url, patterns):
    """What the fuzzing client thinks of the server at `url`."""
    configuration = configured(name, "fuzzingclient.json", patterns,
                               servers=[{"agent": name, "url": url}])
    log = REPORTS / name / "wstest.log"
    with log.open("wb") as output:
        try:
            subprocess.run([TESTSUITE, "-m", "fuzzingclient", "-s", configuration],
                           cwd=configuration.parent, stdin=subprocess.DEVNULL, stdout=output,
                           stderr=subprocess.STDOUT, timeout=RUN_SECONDS, check=True)
        except subprocess.SubprocessError as error:
            print(f"{name}: {error}; see {log}", flush=True)
    return verdicts_on(name)


def play_client_cases(name, backend, patterns):
    """What the fuzzing server thinks of the client."""
    if not CLIENT.exists():
        raise SystemExit(f"{CLIENT} is missing: swift build -c release")
    port = free_port()
    url = f"ws://127.0.0.1:{port}"
    configuration = configured(name, "fuzzingserver.json", patterns, url=url)
    log = REPORTS / name / "client.log"
    with fuzzing_server(configuration, port), log.open("wb") as output:
        try:
            subprocess.run([CLIENT, url, "--agent", name, "--backend", backend,
                            "--parallel", str(PARALLEL_COUNT)],
                           stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                           timeout=RUN_SECONDS, check=True)
        except subprocess.SubprocessError as error:
            print(f"{name}: {error}; see {log}:\n{log.read_text()}", flush=True)
    return verdicts_on(name)


@contextlib.contextmanager
def fuzzing_server(configuration, port):
    log = configuration.parent / "wstest.log"
    with log.open("wb") as output:
        # Without its web server, which is for people.
        server = subprocess.Popen(
            [TESTSUITE, "-m", "fuzzingserver", "-s", configuration, "-u", "0"],
            cwd=configuration.parent, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT)
        try:
            await_listening(server, port, log)
            yield
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def await_listening(server, port, log):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.05)
    raise SystemExit(f"the fuzzing server did not start:\n{log.read_text()}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def configured(name, file, patterns, **more):
    """The path of a configuration, in the folder of the report."""
    folder = REPORTS / name
    folder.mkdir(parents=True)
    path = folder / file
    path.write_text(json.dumps({
        "outdir": str(folder),
        "cases": patterns,
        "exclude-cases": EXCLUDED_CASES,
        "exclude-agent-cases": {},
        **more,
    }))
    return path


def verdicts_on(name):
    index = REPORTS / name / "index.json"
    # Who was never there is missing from the report, too.
    return json.loads(index.read_text()).get(name, {}) if index.exists() else {}
