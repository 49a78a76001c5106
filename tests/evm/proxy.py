"""A proxy before a node that can lie, leave out, lose and delay.

Source:  JSON-RPC 2.0.
Input:   a node and an ``Answer`` function that sees every call and decides what comes back.
Shapes:  one request object for each HTTP request.
I/O:     an HTTP server on this machine, in a thread of its own, that asks the node.
Errors:  whatever the function raises: ``Lost`` closes the connection, ``Refused`` is a JSON-RPC error.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.evm.node import Node

Forward = Callable[[], Any]
Answer = Callable[[str, list[Any], Forward], Any]


class Lost(Exception):
    """The connection ends without an answer."""


class Refused(Exception):
    """The node answers with an error."""


class Proxy:
    """A running proxy. ``answer`` may be replaced at any time; ``calls`` counts methods."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.calls: Counter[str] = Counter()
        self.answer: Answer = lambda method, params, forward: forward()
        self.url = ""

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer object to one request object."""
        method = request["method"]
        self.calls[method] += 1
        envelope = {"jsonrpc": "2.0", "id": request["id"]}

        def forward() -> Any:
            connection = http.client.HTTPConnection(self.node.address, timeout=30)
            try:
                connection.request("POST", "/", json.dumps(request).encode(), {"Content-Type": "application/json"})
                answer = json.loads(connection.getresponse().read())
            finally:
                connection.close()
            if "error" in answer:
                raise Refused(answer["error"])
            return answer["result"]

        try:
            return envelope | {"result": self.answer(method, request["params"], forward)}
        except Refused as exc:
            error = exc.args[0]
            return envelope | {"error": error if isinstance(error, dict) else {"code": -32000, "message": error}}


@contextmanager
def proxy(node: Node) -> Iterator[Proxy]:
    """Run a proxy before ``node``."""
    result = Proxy(node)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # headers and body in one packet, else the other side waits 40 ms for the second

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                body = json.dumps(result.handle(request)).encode()
            except Lost:
                self.close_connection = True
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    result.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield result
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
