"""The program that makes clients (Soak/Load), as a child process."""
import queue
import subprocess
import threading


class Load:
    def __init__(self, program, rate, targets):
        arguments = ["=".join(map(str, target)) for target in targets]
        self._process = subprocess.Popen(
            [str(program), str(rate), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process_id = self._process.pid
        self.status = {}
        # Of all round trips: microseconds.
        self.longest = 0
        self.findings = []
        self.stalls = []
        self._answers = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def tell(self, command):
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def ask(self, command, answer, seconds):
        """Whether the answer comes in time."""
        self.tell(command)
        try:
            return self._answers.get(timeout=seconds) == answer
        except queue.Empty:
            return False

    def wait(self, seconds):
        return self._process.wait(seconds)

    @property
    def is_running(self):
        return self._process.poll() is None

    def kill(self):
        if self.is_running:
            self._process.kill()
            self._process.wait()

    def _read(self):
        for line in self._process.stdout:
            kind, _, rest = line.strip().partition(" ")
            if kind == "status":
                self.status = {name: int(value) for name, value in
                               (field.split("=") for field in rest.split())}
                self.longest = max(self.longest, self.status["max"])
            elif kind == "stalled":
                self.stalls.append(rest)
            elif kind == "finding":
                self.findings.append(rest)
            else:
                self._answers.put(line.strip())
