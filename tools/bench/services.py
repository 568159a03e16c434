"""What the measurements share: the servers that they start on loopback, and millrace-bench."""
import argparse
import json
import os
import pathlib
import resource
import shlex
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RELEASE = ROOT / "build" / "release"
START_SECONDS = 20
STOP_SECONDS = 30

# About as long as the reply to SendMessage: 120 bytes.
FIXED_REPLY = '{"MD5OfMessageBody":"%s","MessageId":"%s"}' % ("0" * 32, "0" * 50)

NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    default_type application/x-amz-json-1.0;
    location / {{ return 200 '{reply}'; }}
  }}
}}
"""


def parser_for(what):
    """The options that all measurements have, and what start_millrace() and Bench need besides."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--server", default=RELEASE / "millrace", help="the millrace to measure")
    parser.add_argument("--bench", default=RELEASE / "millrace-bench", help="the load generator")
    parser.add_argument("--dir", help="folder on the disk to measure (default: a temporary one)")
    parser.set_defaults(server_options="", environment={}, access_key="", secret_key="",
                        tls=False, protocol="json")
    return parser


def parse(parser):
    options = parser.parse_args()
    for program in (options.server, options.bench):
        if not os.access(program, os.X_OK):
            raise SystemExit(f"bench: there is no {program}: build the release preset first")
    return options


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def raise_descriptor_limit():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Service:
    """A server process of ours on a port of loopback; ended when the `with` block is left."""

    def __init__(self, name, command, port, folder, tls=False, environment=None):
        self.name, self.port = name, port
        self.endpoint = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        self.log = folder / f"{name}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, preexec_fn=raise_descriptor_limit,
                env={**os.environ, **(environment or {})})

    @property
    def pid(self):
        return self.process.pid

    def __enter__(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.02)
        self.__exit__()
        last_words = self.log.read_text(errors="replace")[-2000:]
        raise SystemExit(f"bench: {self.name} does not start:\n{last_words}")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def make_certificate(folder):
    certificate, key = str(folder / "server.pem"), str(folder / "server.key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost"],
        check=True, capture_output=True)
    return certificate, key


def start_millrace(options, folder):
    port = free_port()
    data = folder / "data"
    data.mkdir()
    address = f"127.0.0.1:{port}"
    command = [str(options.server), "serve", "--data", str(data)]
    if options.tls:
        certificate, key = make_certificate(folder)
        command += ["--listen", "off", "--tls-listen", address,
                    "--tls-certificate", certificate, "--tls-key", key]
    else:
        command += ["--listen", address]
    command += shlex.split(options.server_options)
    return Service("millrace", command, port, folder, options.tls, options.environment)


def start_nginx(folder):
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, reply=FIXED_REPLY))
    return Service("nginx", ["nginx", "-p", str(folder), "-c", str(config)], port, folder)


def start_redis(folder):
    port = free_port()
    data = folder / "redis"
    data.mkdir()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(data),
               "--appendonly", "yes", "--appendfsync", "always", "--save", ""]
    return Service("redis", command, port, folder)


class Bench:
    """Runs cases of millrace-bench and keeps what was wrong with them."""

    def __init__(self, options):
        self.options = options
        self.complaints = []

    def run(self, case, service=None, flags=(), **settings):
        """@param flags options of millrace-bench that take no value."""
        options = self.options
        command = [str(options.bench), "--case", case, "--json", "-"]
        settings.setdefault("seconds", options.seconds)
        if service:
            command += ["--endpoint", service.endpoint, "--pid", str(service.pid),
                        "--protocol", options.protocol]
            if options.access_key:
                command += ["--access-key", options.access_key, "--secret-key", options.secret_key]
        for name, value in settings.items():
            command += ["--" + name, str(value)]
        command += ["--" + flag for flag in flags]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"bench: {case} failed: {done.stderr.strip()}")
        figures = json.loads(done.stdout)
        where = f"{case} on {service.name}" if service else case
        for name in ("lost", "duplicates", "failures", "gave_up"):
            if figures.get(name, 0):
                cause = figures.get("first_failure", "")
                self.complaints.append(f"{where}: {name} {figures[name]} {cause}".rstrip())
        return figures
