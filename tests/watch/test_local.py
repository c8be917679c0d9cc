"""Pages of this machine: what a page may send, and who may not."""

import http.client
import json
import threading
from contextlib import closing

import pytest

from ganzoo.errors import UsageError
from ganzoo.watch.local import LocalServer, TellingHandler

HOST = "127.0.0.1:80"
OURS = {"Host": HOST, "Origin": f"http://{HOST}", "Content-Type": "application/json"}


class Echo(TellingHandler):
    def answer(self, words, query):
        self.send_json({"words": words, "query": query})

    def receive(self, words, value):
        if "wrong" in value:
            raise UsageError("that is wrong")
        self.server.heard.append(value)
        self.send_json({"words": words, "value": value})


@pytest.fixture
def server():
    with LocalServer(Echo, command="ganzoo echo") as server:
        server.heard, server.largest = [], 100
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def ask(server, headers, body=b"{}", path="", token=None, method="POST", length=True):
    with closing(http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)) as connection:
        connection.putrequest(method, f"/{server.token if token is None else token}/{path}", skip_host=True)
        sized = {"Content-Length": str(len(body))} if length and method == "POST" else {}
        for name, value in {**headers, **sized}.items():
            connection.putheader(name, value)
        connection.endheaders(body if method == "POST" else None)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()


def test_our_own_page_may_ask_and_send(server):
    assert json.loads(ask(server, OURS, b'{"a": 1}', "do/it")[1]) == {"words": ["do", "it"], "value": {"a": 1}}
    status, body = ask(server, OURS, path="look?x=1&x=2&y=", method="GET")
    assert (status, json.loads(body)) == (200, {"words": ["look"], "query": {"x": "1"}})


@pytest.mark.parametrize(
    "change, status",
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": None}, 403),
        ({"Origin": f"https://{HOST}"}, 403),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": None}, 415),
    ],
)
def test_other_pages_may_not_send(server, change, status):
    headers = {name: value for name, value in {**OURS, **change}.items() if value is not None}
    assert ask(server, headers)[0] == status and server.heard == []


def test_sending_needs_the_token(server):
    status, said = ask(server, OURS, token="wrong")
    assert status == 403 and "the one that ganzoo echo printed" in said and server.heard == []


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"{", b"\xff", b'{"a": NaN}', b"[" * 100])
def test_body_that_is_no_object(server, body):
    assert ask(server, OURS, body)[0] == 400 and server.heard == []


@pytest.mark.parametrize("length", ["-1", "1e3", "x", "", "9" * 400, "٣"])
def test_length_that_is_none(server, length):
    headers = {**OURS, "Content-Length": length.encode()}
    assert ask(server, headers, b"", length=False)[0] == 411 and server.heard == []


def test_body_is_bounded_before_it_is_read(server):
    assert ask(server, {**OURS, "Content-Length": "101"}, b"", length=False)[0] == 413
    assert ask(server, OURS, b"", length=False)[0] == 411
    assert ask(server, {**OURS, "Transfer-Encoding": "chunked"}, b"2\r\n{}\r\n0\r\n\r\n", length=False)[0] == 411


def test_what_cannot_be_done_is_one_line(server):
    assert ask(server, OURS, b'{"wrong": 1}') == (400, "that is wrong\n")
