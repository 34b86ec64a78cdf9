"""Encrypts what a server answers, and forwards like a proxy: secure_front.py FOLDER PORT

Makes a certificate authority and a certificate for localhost in FOLDER (`authority.pem`), listens with it for connections that it passes
on to PORT, and listens as an HTTP proxy, which writes what it is asked for into FOLDER/proxied. Prints both ports. Ends with its input.
"""

import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path


def certificates(folder):
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ["req", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    openssl(*new, "-x509", "-keyout", "authority.key", "-out", "authority.pem", "-subj", "/CN=An authority of a test")
    openssl(*new[:-2], "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (folder / "names").write_text("subjectAltName = DNS:localhost\nbasicConstraints = CA:FALSE\n")
    sign = ["-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
    openssl("x509", "-req", "-in", "server.csr", *sign, "-out", "server.pem")


def pass_on(one, other):
    def copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    back = threading.Thread(target=copy, args=(other, one), daemon=True)
    back.start()
    copy(one, other)
    back.join()
    one.close()
    other.close()


def encrypt(connection, context, port):
    try:
        pass_on(context.wrap_socket(connection, server_side=True), socket.create_connection(("127.0.0.1", port)))
    except OSError:
        connection.close()


def proxy(connection, log):
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(65536)
    method, target, _ = request.split(b"\r\n")[0].decode().split(" ")
    with open(log, "a") as file:
        file.write(f"{method} {target}\n")
    place = target if method == "CONNECT" else target.split("/")[2]
    host, port = place.split(":")
    other = socket.create_connection((host, int(port)))
    if method == "CONNECT":
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    else:
        other.sendall(request)
    pass_on(connection, other)


def listen(serve):
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def main():
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    print(listen(lambda c: encrypt(c, context, port)), listen(lambda c: proxy(c, folder / "proxied")), flush=True)
    sys.stdin.read()


main()
