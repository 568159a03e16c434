#!/usr/bin/env python3
"""A real Millrace server for a test: started on a free port of the loopback interface with a data
directory of its own, stopped by its process id.

As a module:

    with Server() as server:
        boto3.client("sqs", endpoint_url=server.endpoint, ...)

As a command, it runs another command with the server's address in MILLRACE_ENDPOINT and ends with
that command's status:

    millrace_server.py node --test queues.test.mjs

The binary is build/release/millrace, or the one that MILLRACE_BINARY names. If a test fails, what
the server printed is in the file that `log_path` names; the command prints it.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 60
ADDRESS_LINE = re.compile(r"serves (https?://\S+)(?: and (https://\S+))?")

BINARY = os.environ.get("MILLRACE_BINARY", str(ROOT / "build/release/millrace"))


class Server:
    """One process at a time over one data directory; start() after stop() or kill() is a restart.

    options: further arguments of `millrace serve`. test_clock: the server's time stands under the
    test's control (see advance()). data: a directory to use and keep; without it a temporary one,
    removed by close(). listen: where to serve plain HTTP, or "off".

    endpoint: the first address that the server names; tls_endpoint: that of HTTPS, if it has one.
    """

    def __init__(self, options=(), test_clock=True, data=None, listen="127.0.0.1:0"):
        self._binary = BINARY
        self._options = list(options) + (["--test-clock"] if test_clock else [])
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="millrace-"))
        self._data = data or str(self._folder / "data")
        self.log_path = self._folder / "server.log"
        self._process = None
        self._reader = None
        self._listen = listen
        self.endpoint = None
        self.tls_endpoint = None

    @property
    def pid(self):
        return self._process.pid

    def start(self):
        """Returns when the server has said where it listens and, if that is plain HTTP, answers
        GET /health."""
        command = [self._binary, "serve", "--listen", self._listen, "--data", self._data]
        self._process = subprocess.Popen(
            command + self._options,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.endpoint = None
        ready = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(ready,), daemon=True)
        self._reader.start()
        if not ready.wait(START_SECONDS_MAX) or self.endpoint is None:
            self.kill()
            raise RuntimeError(f"the server did not start:\n{self.log()}")
        if self.endpoint.startswith("https:"):
            return self
        with urllib.request.urlopen(f"{self.endpoint}/health", timeout=START_SECONDS_MAX) as reply:
            if reply.status != 200:
                raise RuntimeError(f"GET /health answered {reply.status}")
        return self

    def _read(self, ready):
        """Copies what the server prints to the log; sets `ready` at its address or its end."""
        with open(self.log_path, "a", encoding="utf-8") as log:
            for line in self._process.stdout:
                log.write(line)
                log.flush()
                address = ADDRESS_LINE.search(line)
                if address and not ready.is_set():
                    self.endpoint, self.tls_endpoint = address.groups()
                    if self.endpoint.startswith("https:"):
                        self.tls_endpoint = self.endpoint
                    ready.set()
        ready.set()

    def advance(self, milliseconds):
        """Moves the server's clock forward."""
        advance_clock(self.endpoint, milliseconds)

    def reload(self, what="credentials"):
        """Has the server read its files again; returns what the log says of how that went with one
        of them: "credentials", "certificate" or "keyring"."""
        pattern = re.compile(rf"^\S+ \w+ {what} (?:not )?taken over.*$", re.MULTILINE)
        before = len(pattern.findall(self.log()))
        self._process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            lines = pattern.findall(self.log())
            if len(lines) > before:
                return lines[-1]
            os.sched_yield()
        raise RuntimeError(f"the server did not read its {what} again:\n{self.log()}")

    def stop(self):
        """Asks the server to end and waits; a server that does not end, or ends with an error, is
        an error."""
        self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError(f"the server did not stop:\n{self.log()}") from None
        self._reader.join()
        if status != 0:
            raise RuntimeError(f"the server ended with status {status}:\n{self.log()}")

    def kill(self):
        """Ends the server at once, as a crash would."""
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def log(self):
        return self.log_path.read_text(encoding="utf-8") if self.log_path.exists() else ""

    def close(self):
        """Ends a server that still runs, and removes the temporary directory."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self._process.poll() is None:
            self.stop()
        self.close()


def advance_clock(endpoint, milliseconds):
    """Moves the clock of a server that was started with --test-clock."""
    request = urllib.request.Request(
        f"{endpoint}/test/clock?advance={int(milliseconds)}", data=b"", method="POST"
    )
    with urllib.request.urlopen(request, timeout=START_SECONDS_MAX) as reply:
        reply.read()


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    with Server() as server:
        environment = dict(os.environ, MILLRACE_ENDPOINT=server.endpoint)
        status = subprocess.run(sys.argv[1:], env=environment, check=False).returncode
        if status != 0:
            print(f"--- the server's log\n{server.log()[-8000:]}", file=sys.stderr)
        return status


if __name__ == "__main__":
    sys.exit(main())
