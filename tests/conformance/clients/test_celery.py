"""Celery, with the SQS transport that Debian ships: tasks are run, tried again, and taken over from
a worker that died. The transport speaks the Query protocol: boto3 sends and deletes, an HTTP client
of kombu's own receives.
"""

import os
import pathlib
import queue
import subprocess
import sys
import threading
import time
import unittest

import celery_tasks
from support import SqsTest, advance

FOLDER = pathlib.Path(__file__).resolve().parent
# Only a failing test waits so long.
PATIENCE_SECONDS = 60


class Worker:
    """A Celery worker in a process of its own, ended by its process id."""

    def __init__(self, queue_name, **environment):
        self._lines = queue.Queue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "celery_tasks", "worker", "--pool=solo",
             "--loglevel=INFO", "--without-gossip", "--without-mingle", "--without-heartbeat"],
            cwd=FOLDER,
            env=dict(os.environ, CELERY_QUEUE=queue_name, **environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))

    def _next(self, wanted):
        """The next line that `wanted` accepts. What the worker said until then is in the error if
        none comes."""
        passed = []
        try:
            while not passed or not wanted(passed[-1]):
                passed.append(self._lines.get(timeout=PATIENCE_SECONDS))
        except queue.Empty:
            raise AssertionError("the worker said only:\n" + "\n".join(passed)) from None
        return passed[-1]

    def wait_until_ready(self):
        self._next(lambda line: line.endswith(" ready."))

    def said(self, count):
        """What the next `count` tasks said."""
        lines = [self._next(lambda line: line.startswith("TASK ")) for _ in range(count)]
        return [line.removeprefix("TASK ") for line in lines]

    def kill(self):
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()


class Celery(SqsTest):
    def setUp(self):
        self.queue = self.new_name()
        self.url = self.new_queue(
            {"VisibilityTimeout": str(celery_tasks.VISIBILITY_SECONDS)}, name=self.queue
        )

    def start_worker(self, **environment):
        worker = Worker(self.queue, **environment)
        self.addCleanup(worker.kill)
        return worker

    def call(self, task, *arguments):
        task.apply_async(arguments, queue=self.queue)

    def wait_until_empty(self):
        """A worker deletes a message some time after it has begun the task."""
        end = time.monotonic() + PATIENCE_SECONDS
        while self.counts(self.url) != (0, 0, 0):
            self.assertLess(time.monotonic(), end, self.counts(self.url))

    def test_runs_every_task_once_and_deletes_it(self):
        texts = [f"text {number} \u00e9\U0001f600 <&>" for number in range(25)]
        for text in texts:
            self.call(celery_tasks.echo, text)
        self.assertEqual(self.counts(self.url), (25, 0, 0))
        worker = self.start_worker()
        self.assertEqual(sorted(worker.said(25)), sorted(f"echo {text}" for text in texts))
        self.wait_until_empty()

    def test_runs_what_is_sent_while_it_waits(self):
        worker = self.start_worker()
        worker.wait_until_ready()
        for number in range(3):
            self.call(celery_tasks.echo, str(number))
            self.assertEqual(worker.said(1), [f"echo {number}"])

    def test_tries_again_what_failed(self):
        worker = self.start_worker()
        self.call(celery_tasks.fail_twice)
        self.assertEqual(worker.said(3), ["attempt 0", "attempt 1", "attempt 2"])
        self.wait_until_empty()

    def test_takes_over_the_task_of_a_worker_that_died(self):
        first = self.start_worker(CELERY_HANG="yes")
        self.call(celery_tasks.survive)
        self.assertEqual(first.said(1), ["begun"])
        first.kill()
        self.assertEqual(self.counts(self.url), (0, 1, 0))
        advance(celery_tasks.VISIBILITY_SECONDS + 0.1)
        second = self.start_worker()
        self.assertEqual(second.said(2), ["begun", "ended"])
        self.wait_until_empty()

    def test_makes_the_queue_that_is_not_there(self):
        self.queue = self.new_name("made")
        self.call(celery_tasks.echo, "first")
        url = self.sqs.get_queue_url(QueueName=self.queue)["QueueUrl"]
        self.addCleanup(self._delete_if_there, url)
        self.assertEqual(self.start_worker().said(1), ["echo first"])

    def test_runs_the_tasks_of_a_fifo_queue_in_their_order(self):
        self.queue = f"{self.new_name()}.fifo"
        self.url = self.new_queue({"FifoQueue": "true"}, name=self.queue)
        for number in range(15):
            self.call(celery_tasks.echo, str(number))
        said = self.start_worker().said(15)
        self.assertEqual(said, [f"echo {number}" for number in range(15)])
        self.wait_until_empty()


if __name__ == "__main__":
    unittest.main()
