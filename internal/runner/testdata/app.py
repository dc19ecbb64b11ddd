"""A server that knows nothing of workers, drains and reloads."""
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

mode = os.environ.get("MODE", "")
if mode == "import-error":
    import a_module_that_is_not_there  # noqa: F401
if mode == "hang-on":
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("deaf", flush=True)
if mode in ("hang", "hang-on"):
    time.sleep(3600)
started = time.time()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) or b"hello"
        if self.path.startswith("/fault"):
            raise ValueError("the fault that was asked for")
        if self.path.startswith("/slow"):
            time.sleep(1)
        if self.path.startswith("/hang"):
            time.sleep(3600)
        self.send_response(500 if mode == "errors" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Pid", str(os.getpid()))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *args):
        pass


if mode == "no-port":
    time.sleep(3600)
server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
if mode in ("crash-later", "crash-soon"):
    import threading
    threading.Timer(1 if mode == "crash-later" else 0.3, lambda: os._exit(3)).start()
print("listening", flush=True)
server.serve_forever()
