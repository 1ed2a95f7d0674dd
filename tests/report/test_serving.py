"""The server: on this machine alone, one page, and nothing for who asks in another's name."""

import http.client
import socket
import threading

import pytest

from gradx.report.errors import LogError, PortError
from gradx.report.serving import PageServer


@pytest.fixture
def serve():
    """Serves what a function makes."""
    stops = []

    def serve(render=lambda: b"<!doctype html>page"):
        server = PageServer(0, render)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        stops.append((server, thread))
        return server

    yield serve
    for server, thread in stops:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(server, method="GET", path="/", **headers):
    """An answer: its status, its headers and what it holds."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def raw(server, text):
    """What comes back for these bytes."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def test_the_page(serve):
    server = serve()
    assert server.address == f"http://127.0.0.1:{server.server_port}/"
    status, headers, content = ask(server)
    assert (status, content) == (200, b"<!doctype html>page")
    policy = headers.pop("Content-Security-Policy")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert policy.endswith("; frame-ancestors 'none'")
    assert "unsafe" not in policy
    del headers["Date"]
    assert headers == {
        "Server": "gradx",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Content-Type": "text/html; charset=utf-8",
        "Content-Length": "19",
        "Connection": "close",
    }


def test_only_the_head(serve):
    status, headers, content = ask(serve(), "HEAD")
    assert (status, headers["Content-Length"], content) == (200, "19", b"")


def test_it_is_rendered_anew_each_time(serve):
    pages = iter((b"one", b"two"))
    server = serve(lambda: next(pages))
    assert [ask(server)[2] for _ in range(2)] == [b"one", b"two"]


def test_it_listens_on_this_machine_alone(serve):
    assert serve().socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("path", ["/other", "/?x", "/..", "/favicon.ico"])
def test_there_is_one_path(serve, path):
    server = serve()
    status, _, content = ask(server, path=path)
    assert (status, content.decode()) == (404, f"Not Found: there is only {server.address}\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "X"])
def test_other_methods(serve, method):
    status, headers, content = ask(serve(), method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert content == b"Method Not Allowed: only GET and HEAD\n"


@pytest.mark.parametrize("host", ["localhost:{}", "127.0.0.1:{}"])
def test_its_own_names(serve, host):
    server = serve()
    assert ask(server, Host=host.format(server.server_port))[0] == 200


@pytest.mark.parametrize(
    "host", ["example.org", "example.org:{}", "127.0.0.1", "localhost", "", "127.0.0.1:{}.example"]
)
def test_another_name_that_was_turned_to_this_machine(serve, host):
    server = serve()
    status, _, content = ask(server, Host=host.format(server.server_port))
    assert (status, content.decode()) == (421, f"Misdirected Request: ask for {server.address}\n")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", b"421"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"421"),
        (b"GET / HTTP/9.9\r\n\r\n", b"505"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"\xff\xfe / HTTP/1.1\r\n\r\n", b"405"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
    ],
)
def test_invalid_requests(serve, text, status, capfd):
    server = serve()
    answer = raw(server, text)
    assert status in answer.split(b"\r\n")[0]
    assert b"Content-Security-Policy: default-src 'none'" in answer
    assert b"page" not in answer
    assert ask(server)[0] == 200
    assert capfd.readouterr().err == ""


def test_who_says_nothing_does_not_keep_others_waiting(serve):
    server = serve()
    with socket.create_connection(("127.0.0.1", server.server_port)):
        assert ask(server)[0] == 200


def test_a_log_that_went_bad_meanwhile(serve):
    def fail():
        raise LogError("run.jsonl, line 7: <b>")

    status, headers, content = ask(serve(fail))
    assert (status, headers["Content-Type"]) == (500, "text/html; charset=utf-8")
    assert b"run.jsonl, line 7: &lt;b&gt;" in content


def test_a_port_that_is_taken(serve):
    port = serve().server_port
    with pytest.raises(PortError, match=f"port {port}: cannot be served on .another program uses"):
        PageServer(port, lambda: b"")
