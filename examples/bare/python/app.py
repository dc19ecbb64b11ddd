"""A web application of twenty lines that knows nothing of production."""
import os
import time
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/fault"):
            raise ValueError("the fault that was asked for")
        if self.path.startswith("/slow"):
            time.sleep(1.5)
        body = os.environ.get("GREETING", "hello").encode()
        self.send_response(200 if self.path.split("?")[0] in ("/", "/slow") else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


HTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
