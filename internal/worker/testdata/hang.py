import os, socket, threading
server = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
lock = threading.Lock()
def stuck_here():
    with lock:
        with lock:  # STUCK
            pass
def handle(conn):
    if conn.recv(100):
        print("HANGING", flush=True)
        stuck_here()
while True:
    handle(server.accept()[0])
