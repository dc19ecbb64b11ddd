"""WebSockets that echo, and event streams, with nothing but the library."""
import base64
import hashlib
import os
import struct
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/ws":
            return self.websocket()
        if self.path == "/events":
            return self.events()
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def events(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        number = 0
        while True:
            number += 1
            self.wfile.write(f"id: {number}\ndata: {os.getpid()}".encode())
            time.sleep(0.02)  # an event comes in two parts
            self.wfile.write(b"\n\n")
            time.sleep(0.02)

    def websocket(self):
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.close_connection = True
        while True:
            head = self.rfile.read(6)
            if len(head) < 6:
                print("websocket cut", flush=True)
                return
            body = bytes(b ^ head[2 + i % 4] for i, b in enumerate(self.rfile.read(head[1] & 0x7F)))
            if head[0] & 0xF == 8:
                print("websocket closed with", struct.unpack(">H", body[:2])[0], flush=True)
                self.wfile.write(bytes([0x88, len(body)]) + body)
                return
            body = f"{os.getpid()} ".encode() + body
            self.wfile.write(bytes([head[0], len(body)]) + body)

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass

    def log_message(self, *args):
        pass


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
