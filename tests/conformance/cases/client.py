"""HTTP as the cases need it: one connection that is kept, and others for requests that wait."""

import dataclasses
import http.client
import select

REPLY_SECONDS_MAX = 20
# How long a reply that must not come is waited for.
SILENCE_SECONDS = 0.02


@dataclasses.dataclass
class Request:
    """fields: names and values in their order."""

    method: str
    target: str
    fields: list
    body: bytes = b""


HEALTH = Request("GET", "/health", [])


@dataclasses.dataclass
class Response:
    status: int
    fields: list
    body: bytes

    def field(self, name):
        """The value of an HTTP field, or None."""
        for field, value in self.fields:
            if field.lower() == name.lower():
                return value
        return None


class Connection:
    """One connection to the server; opened when it is first needed."""

    def __init__(self, host):
        self._http = http.client.HTTPConnection(host, timeout=REPLY_SECONDS_MAX)

    def start(self, request):
        """Sends a request. Its reply must be fetched by finish()."""
        names = {name.lower() for name, _ in request.fields}
        self._http.putrequest(
            request.method, request.target, skip_host="host" in names, skip_accept_encoding=True
        )
        for name, value in request.fields:
            self._http.putheader(name, value)
        if request.body or request.method == "POST":
            self._http.putheader("Content-Length", str(len(request.body)))
        self._http.endheaders(request.body or None)

    def finish(self):
        reply = self._http.getresponse()
        return Response(reply.status, reply.getheaders(), reply.read())

    def is_silent(self):
        """Whether no reply has begun to come."""
        return not select.select([self._http.sock], [], [], SILENCE_SECONDS)[0]

    def close(self):
        self._http.close()


class Client:
    """The server at `host`, "127.0.0.1:port"."""

    def __init__(self, host):
        self._host = host
        self._kept = Connection(host)

    def exchange(self, request):
        self._kept.start(request)
        return self._kept.finish()

    def start(self, request):
        """Sends a request on a connection of its own, which is returned. The server has taken the
        request up before it takes up any later one."""
        connection = Connection(self._host)
        # One exchange on either side: the server reads from connections that it has accepted in
        # the order in which something comes in.
        connection.start(HEALTH)
        connection.finish()
        connection.start(request)
        self.exchange(HEALTH)
        return connection

    def close(self):
        self._kept.close()
