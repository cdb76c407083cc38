"""A headless Chromium, steered through its DevTools protocol."""
import base64
import itertools
import json
import pathlib
import shutil
import subprocess
import tempfile
import time

from websockets.sync.client import connect

START_SECONDS = 60
TIMEOUT_SECONDS = 20


def find_chromium():
    """The path of the browser, or None if there is none."""
    for name in "chromium", "chromium-browser", "google-chrome":
        path = shutil.which(name)
        if path:
            return path
    return None


class Browser:
    """One page of a browser of its own, with a profile that goes with it."""

    def __init__(self, width=1000, height=900, dark=False):
        self._size = width, height
        self._dark = dark
        self._numbers = itertools.count(1)
        self._session = None

    def __enter__(self):
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [find_chromium(), "--headless=new", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server",
             "--disable-background-networking", "--disable-component-update",
             "--remote-debugging-port=0", f"--user-data-dir={self._profile.name}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self._connection = connect(self._await_address(), max_size=None, proxy=None)
            target = self._command("Target.createTarget", url="about:blank")["targetId"]
            self._session = self._command(
                "Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            width, height = self._size
            self._command("Emulation.setDeviceMetricsOverride", width=width, height=height,
                          deviceScaleFactor=2, mobile=width < 600)
            scheme = {"name": "prefers-color-scheme", "value": "dark" if self._dark else "light"}
            self._command("Emulation.setEmulatedMedia", features=[scheme])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._process.terminate()
        try:
            self._process.wait(TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._profile.cleanup()

    def open(self, url):
        self._command("Page.enable")
        self._command("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete'")

    def evaluate(self, expression):
        """The value of a JavaScript expression; an exception in it is an error here."""
        answer = self._command("Runtime.evaluate", expression=expression, returnByValue=True,
                               awaitPromise=True, userGesture=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"]["exception"].get("description"))
        return answer["result"].get("value")

    def wait_for(self, condition):
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not self.evaluate(condition):
            if time.monotonic() > deadline:
                text = self.evaluate("document.body.innerText")
                raise AssertionError(f"never came true: {condition}; the page says:\n{text}")
            time.sleep(0.02)

    def screenshot(self, path):
        data = self._command("Page.captureScreenshot", format="png")["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))

    def _await_address(self):
        # Chromium writes its port and path here once it listens.
        file = pathlib.Path(self._profile.name, "DevToolsActivePort")
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if file.exists() and file.read_text().count("\n") == 1:
                port, path = file.read_text().split("\n")
                return f"ws://127.0.0.1:{port}{path}"
            if self._process.poll() is not None:
                raise RuntimeError(f"chromium ended with {self._process.returncode}")
            time.sleep(0.05)
        raise RuntimeError("chromium did not start")

    def _command(self, method, **parameters):
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._connection.send(json.dumps(message))
        while True:
            answer = json.loads(self._connection.recv(TIMEOUT_SECONDS))
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
