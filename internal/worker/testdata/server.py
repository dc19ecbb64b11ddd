# A naive server: it dies on SIGTERM at once. BEHAVE makes it misbehave.
import os, sys, time, socketserver
from http.server import BaseHTTPRequestHandler, HTTPServer

behave = os.environ.get("BEHAVE", "")
if behave == "import":
    import no_such_module_roadworthy
if behave == "exit":
    sys.exit(3)
if behave == "silent":
    print("I never open a port", flush=True)
    time.sleep(600)


def stuck_here():
    while True:
        pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/hang":
            stuck_here()
        text = (os.environ.get("VERSION", "") + " " + os.getcwd() + " pid=%d" % os.getpid()).encode()
        self.send_response(500 if behave == "sick" else 200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *a):
        pass


class Server(socketserver.ThreadingMixIn, HTTPServer):
    daemon_threads = True

    def server_bind(self):  # without the lookup of the own name
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "x", self.server_address[1]


server = Server(("127.0.0.1", int(os.environ["PORT"])), Handler)
print("ready on", os.environ["PORT"], flush=True)
if behave == "crash":
    import threading
    threading.Timer(float(os.environ.get("AFTER", "0.3")), lambda: os._exit(7)).start()
server.serve_forever()
