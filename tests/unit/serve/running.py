"""A service in a thread of the test, on a port of its own, and a client without manners."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading

from tracer_nb.serve.app import Service
from tracer_nb.serve.limits import Limits
from tracer_nb.serve.routers import Routers
from tracer_nb.serve.served import load_served
from tracer_nb.serve.server import Server, listen

JSON = {"Content-Type": "application/json"}


class Running:
    """The service, and how to ask it."""

    def __init__(self, service, server, sock):
        self.service, self.server = service, server
        self.port = sock.getsockname()[1]

    def ask(self, method, path, body=None, headers=None):
        """Status, what the body says, and headers of one response."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            fields = (JSON if body is not None else {}) | (headers or {})
            connection.request(method, path, body, fields)
            response = connection.getresponse()
            said = response.read()
        if response.headers["content-type"] == "application/json":
            assert said.endswith(b"\n")
            assert said.count(b"\n") == 1
            said = json.loads(said)
        return response.status, said, response.headers

    def post(self, path, body, **headers):
        """Status, and what the body says."""
        return self.ask("POST", path, body, headers)[:2]

    def get(self, path):
        return self.ask("GET", path)[:2]

    def results(self, body, path="/predict_batch"):
        status, said = self.post(path, body)
        assert status == 200, said
        return said["results"]

    def raw(self, data, timeout=30):
        """All that comes back for bytes that may be no HTTP."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as sock:
            sock.sendall(data)
            got = b""
            with contextlib.suppress(ConnectionError):
                while part := sock.recv(65536):
                    got += part
            return got


@contextlib.contextmanager
def serving(sources, *, limits=None, token=None, teachings=None, store=None):
    """Serve files by name until the end of the block, then end in good order."""

    def load(name, path):
        return load_served(name, path, teachings, store=store)

    service = Service(Routers(sources, load), limits or Limits(), token, teachings)
    sock, begun = listen("127.0.0.1", 0), threading.Event()
    server = Server(service, begun.set)
    thread = threading.Thread(target=server.run, args=[[sock]], daemon=True)
    running = Running(service, server, sock)
    thread.start()
    try:
        assert begun.wait(30)
        yield running
    finally:
        server.end()
        thread.join(60)
        assert not thread.is_alive()
