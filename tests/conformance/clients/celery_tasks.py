"""The tasks that test_celery.py has a Celery worker run. Each says on standard output what it did.

The broker is the server at MILLRACE_ENDPOINT; CELERY_QUEUE names the queue that a worker serves.
"""

import os
import signal
import urllib.parse

import celery

VISIBILITY_SECONDS = 30

app = celery.Celery(
    "celery_tasks",
    broker=f"sqs://test:test@{urllib.parse.urlsplit(os.environ['MILLRACE_ENDPOINT']).netloc}//",
)
app.conf.update(
    broker_transport_options={
        "is_secure": False,
        "region": "us-east-1",
        "visibility_timeout": VISIBILITY_SECONDS,
        "wait_time_seconds": 20,
    },
    task_default_queue=os.environ.get("CELERY_QUEUE", "celery"),
    task_ignore_result=True,
    worker_enable_remote_control=False,
    worker_redirect_stdouts=False,
)


def say(*words):
    print("TASK", *words, flush=True)


@app.task
def echo(text):
    say("echo", text)


@app.task(bind=True, max_retries=2)
def fail_twice(self):
    """Succeeds at the third attempt."""
    say("attempt", self.request.retries)
    if self.request.retries < 2:
        raise self.retry(countdown=0)


@app.task(acks_late=True)
def survive():
    """Never ends in a worker that was started with CELERY_HANG."""
    say("begun")
    if "CELERY_HANG" in os.environ:
        signal.pause()
    say("ended")
