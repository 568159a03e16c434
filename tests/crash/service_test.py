#!/usr/bin/env python3
"""The unit of systemd in packaging/: that systemd takes it, and that it forbids nothing which the
real server does. No service is started: the system calls and address families of a traced server
are compared with those that the unit allows.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

from support import BINARY, ROOT, Folder, Skipped, TracedServer, check, run_cases

import signing  # support says where it is

UNIT = ROOT / "packaging/millrace.service"
EXPOSURE_MAX = 15  # in tenths, as `systemd-analyze security` counts: 0 is best, 100 worst
TRACE_SECONDS_MAX = 30
ACCOUNT = "111122223333"
KEY = signing.Key("AKIDROOT", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
# The start asks for these, and does without where they are refused.
OPTIONAL = {"io_uring_setup", "mbind", "perf_event_open"}


def analyze(*arguments):
    """What systemd-analyze says. @return its status, and both of its outputs."""
    if shutil.which("systemd-analyze") is None:
        raise Skipped("there is no systemd-analyze")
    done = subprocess.run(
        ["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def settings(name):
    """The values of a setting, line by line."""
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(encoding="ascii"), re.MULTILINE)


def members(group):
    """The system calls of one of systemd's groups; a name that is no group stands for itself."""
    if not group.startswith("@"):
        return {group}
    status, text = analyze("syscall-filter", group)
    check(status == 0, text)
    names = re.findall(r"^ {4}(@?[a-z]\S*)$", text, re.MULTILINE)
    return set().union(*(members(name) for name in names))


def allowed_calls():
    allowed = members("@default")
    for line in settings("SystemCallFilter"):
        groups = [members(group) for group in line.removeprefix("~").split()]
        if line.startswith("~"):
            allowed = allowed.difference(*groups)
        else:
            allowed = allowed.union(*groups)
    return allowed


def ask_console(endpoint, action, parameters):
    """An action of the console, as a script asks for it."""
    request = signing.json_request(endpoint, action, parameters, path="/console/api/")
    request.headers.replace_header("X-Amz-Target", f"Millrace.{action}")
    reply = signing.sign(request, KEY).send(endpoint)
    check(reply.status == 200, f"{action}: {reply.status} {reply.text}")


def ask(endpoint, action, **parameters):
    reply = signing.sign(signing.json_request(endpoint, action, parameters), KEY).send(endpoint)
    check(reply.status == 200, f"{action}: {reply.status} {reply.text}")


def use(server, data, folder):
    """All that has to do with files and sockets; the rest is computing."""
    endpoint = server.endpoint
    queue = f"{endpoint}/{ACCOUNT}/traced"
    ask(endpoint, "CreateQueue", QueueName="traced")
    ask(endpoint, "SendMessage", QueueUrl=queue, MessageBody="hello")
    ask(endpoint, "ReceiveMessage", QueueUrl=queue)
    ask_console(endpoint, "PeekMessages", {"QueueUrl": queue})
    ask_console(endpoint, "CreateAccessKey", {"UserName": "ada"})
    backup = subprocess.run(
        [BINARY, "backup", data, folder / "backup"], capture_output=True, text=True, check=False
    )
    check(backup.returncode == 0, backup.stderr)
    os.kill(server.pid, signal.SIGHUP)
    deadline = time.monotonic() + TRACE_SECONDS_MAX
    while "keyring taken over" not in server.log():
        check(time.monotonic() < deadline, "the server does not read its files again")
        os.sched_yield()


def trace():
    """@return the system calls of a server's life, a line each, as strace writes them."""
    keys = signing.CredentialsFile((ACCOUNT, "root", KEY, []))
    with Folder() as folder:
        data = folder / "data"
        server = TracedServer(
            ["-s", "0", "--signal=none"],
            test_clock=False,
            data=str(data),
            options=[
                "--account", ACCOUNT, "--credentials", keys.path, "--commit-writer", "thread",
                "--audit-log", str(folder / "audit.log"),
            ],
        )
        try:
            server.start()
            use(server, data, folder)
            server.stop()
            deadline = time.monotonic() + TRACE_SECONDS_MAX
            while "+++ exited with" not in (
                text := server.trace_path.read_text(errors="replace").rpartition("\n")[0]
            ):
                check(time.monotonic() < deadline, "the trace does not end")
                os.sched_yield()
            return text
        finally:
            server.close()
            keys.close()


def systemd_takes_the_unit():
    with Folder() as folder:
        unit = folder / UNIT.name
        text = UNIT.read_text(encoding="ascii").replace("/usr/bin/millrace", BINARY)
        unit.write_text(text, encoding="ascii")
        status, said = analyze("verify", unit)
        check(status == 0 and not said.strip(), said)


def the_unit_leaves_little_open():
    status, said = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX}", UNIT)
    check(status == 0, said.strip().splitlines()[-1] if said.strip() else "nothing was said")


def the_unit_forbids_nothing_that_the_server_does():
    allowed = allowed_calls()
    check("fsync" in allowed and "reboot" not in allowed, "the filter was not understood")
    text = trace()
    called = set(re.findall(r"^\d+ +(?:<\.\.\. )?(\w+)[( ]", text, re.MULTILINE))
    check({"pwritev2", "accept4", "flock"} & called, "the trace was not understood")
    forbidden = called - allowed - OPTIONAL
    check(not forbidden, f"system calls that the unit forbids: {sorted(forbidden)}")
    families = set(re.findall(r"\bsocket\((AF_\w+)", text))
    forbidden = families - set(settings("RestrictAddressFamilies")[0].split())
    check(families and not forbidden, f"sockets that the unit forbids: {sorted(forbidden)}")


def main():
    return run_cases(
        [
            systemd_takes_the_unit,
            the_unit_leaves_little_open,
            the_unit_forbids_nothing_that_the_server_does,
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
