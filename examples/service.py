"""Serve a model over HTTP with the standard library: ``python examples/service.py MODEL-FOLDER DIGEST [PORT]``."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from fraudsieve import Scorer

MAX_BODY = 1 << 20  # largest request body, in bytes


def make_server(folder: str, digest: str | None, port: int) -> ThreadingHTTPServer:
    """Return a server that scores the body of each POST request: a record or a list of records, as JSON."""
    scorer = Scorer.load(folder, digest=digest).warm_up()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            try:
                length = int(self.headers.get("Content-Length", 0))
                if not 0 < length <= MAX_BODY:
                    raise ValueError(f"expected 1 to {MAX_BODY} bytes, got {length}")
                status, answer = 200, scorer.score(json.loads(self.rfile.read(length)), reasons=True)
            except (TypeError, ValueError, RecursionError) as error:
                status, answer = 400, {"error": type(error).__name__}
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Log nothing: requests contain messages."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    make_server(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 8000).serve_forever()
