import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)  # logs the request to standard error
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"hello\n")


ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
