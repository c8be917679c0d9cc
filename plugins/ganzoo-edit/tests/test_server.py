"""What the page may ask and send. Who may not is ganzoo's to test: tests/test_local.py of the core."""

import http.client
import io
import json
import threading
import time
from base64 import b64decode, b64encode
from contextlib import closing

import pytest
import torch
from ganzoo_edit import studio
from ganzoo_edit.manifold import Manifold
from ganzoo_edit.scene import fresh
from ganzoo_edit.server import PAGE, PaintServer
from ganzoo_edit.studio import Studio
from PIL import Image
from safetensors.torch import load

import ganzoo

SIDE, COUNT = 16, 3


@pytest.fixture
def serve(models):
    """Starts a canvas of a model; all are ended afterwards."""
    servers = []

    def start(kind: str = "colour", title: str = "it") -> PaintServer:
        manifold = Manifold(ganzoo.load(models[kind]), kind)
        scene = fresh(manifold, COUNT, 0, 0 if manifold.classes else None)
        servers.append(PaintServer(Studio(manifold, title, scene)))
        threading.Thread(target=servers[-1].serve_forever, args=(0.02,), daemon=True).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def ask(server, path, value=None, **headers):
    """Status and body; a POST of ``value`` as our page would send it, unless ``headers`` differ."""
    host = f"127.0.0.1:{server.server_port}"
    ours = {"Origin": f"http://{host}", "Content-Type": "application/json", **headers}
    with closing(http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)) as connection:
        body = None if value is None else json.dumps(value)
        connection.request("GET" if value is None else "POST", f"/{server.token}/{path}", body, ours)
        reply = connection.getresponse()
        return reply.status, reply.read()


def state(server, path="state.json", value=None):
    status, body = ask(server, path, value)
    assert status == 200, body
    return json.loads(body)


def settled(server, seconds=120):
    """How the canvas stands once it moves no more."""
    end = time.monotonic() + seconds
    while (told := state(server))["busy"]:
        assert time.monotonic() < end
        time.sleep(0.02)
    return told


def image(text, side=SIDE):
    return torch.tensor(list(b64decode(text))).reshape(side, side, 3) / 255


def b64(planes):
    return b64encode(bytes((planes * 255).round().to(torch.uint8).flatten().tolist())).decode()


def drawing(stroke=1, colour=(1.0, 0.0, 0.0), rows=6, **more):
    """What the page sends for a stroke across the top."""
    rgba = torch.zeros(SIDE, SIDE, 4)
    rgba[:rows] = torch.tensor([*colour, 1.0])
    blank = b64(torch.zeros(SIDE, SIDE))
    return {"stroke": stroke, "hold": 0, "colour": b64(rgba), "sketch": blank, "keep": blank, **more}


def test_page_and_its_parts_are_all_there(serve):
    server = serve()
    for path in PAGE:
        status, body = ask(server, path)
        assert status == 200 and len(body) > 200
        assert b"https://" not in body and b"http://" not in body.replace(b"http://www.w3.org", b"")
    for path in ("cli.py", "../cli.py", "page/paint.js", "paint.html/", "..%2Fserver.py", "config.json"):
        assert ask(server, path)[0] == 404
    assert ask(server, "nothing", {})[0] == 404


def test_strokes_are_followed(serve):
    server = serve()
    before = state(server)
    assert before["before"] == before["shown"] == before["candidates"][0] and len(before["candidates"]) == COUNT
    assert not before["busy"] and not before["undo"] and not before["drawn"]
    goal = state(server)["candidates"][2]
    aim = image(goal).mean((0, 1)).tolist()
    state(server, "paint", drawing(colour=aim))
    after = settled(server)
    off = [(image(told["shown"])[:6] - torch.tensor(aim)).square().mean() for told in (before, after)]
    assert off[1] < 0.7 * off[0] and after["undo"] and after["drawn"] and "from what was drawn" in after["note"]
    assert after["before"] == before["shown"]
    assert state(server, "layers.json") == {name: drawing(colour=aim)[name] for name in ("colour", "sketch", "keep")}


def test_undo_takes_back_whole_strokes(serve):
    server = serve()
    first = state(server)["shown"]
    state(server, "paint", drawing(1, rows=2))
    state(server, "paint", drawing(1, rows=4))
    second = settled(server)
    state(server, "paint", drawing(2, rows=9))
    settled(server)
    back = state(server, "undo", {})
    assert back["shown"] == second["shown"] and back["drawn"] and back["redrawn"] > second["redrawn"]
    assert state(server, "layers.json")["colour"] == drawing(1, rows=4)["colour"]
    back = state(server, "undo", {})
    assert back["shown"] == first and not back["undo"] and not back["drawn"] and not back["busy"]
    assert state(server, "undo", {})["shown"] == first
    assert state(server, "layers.json") == {}


def test_slider_goes_from_the_original_to_the_result(serve):
    server = serve()
    first = state(server)["shown"]
    state(server, "paint", drawing())
    last = settled(server)["shown"]
    shown = [state(server, "slide", {"blend": t})["shown"] for t in (0, 0.5, 1)]
    assert shown[0] == first and shown[2] == last and len(set(shown)) == 3
    state(server, "slide", {"blend": 0})
    assert state(server, "paint", drawing(2))["blend"] == 1


def test_candidates_and_new_images(serve):
    server = serve()
    first = state(server)
    told = state(server, "choose", {"row": 2})
    assert told["shown"] == told["before"] == first["candidates"][2]
    state(server, "paint", drawing())
    drawn = settled(server)
    assert drawn["before"] == first["candidates"][2] and drawn["chosen"] == 0 and len(set(drawn["candidates"])) == COUNT
    assert state(server, "choose", {"row": 1})["before"] == first["candidates"][2]
    kept = state(server, "settle", {})
    assert kept["before"] == kept["shown"] == drawn["candidates"][1] and not kept["drawn"]
    new = state(server, "new", {})
    assert new["undo"] and not set(new["candidates"]) & set(first["candidates"])
    assert state(server, "undo", {})["shown"] == kept["shown"]


def test_a_photo_is_looked_for(serve):
    server = serve("classes")
    photo = image(state(server)["candidates"][1])
    state(server, "class", {"label": 1})
    rgba = torch.cat([photo, torch.ones(SIDE, SIDE, 1)], 2)
    assert state(server, "photo", {"pixels": b64(rgba)})["busy"] == "looking for the photo"
    told = settled(server)
    assert (image(told["shown"]) - photo).abs().mean() < 0.05 and "dB" in told["note"]
    assert told["shown"] == told["before"] and told["undo"]
    assert state(server, "undo", {})["label"] == 1


def test_classes_and_grey(serve):
    server = serve("classes")
    first = state(server)
    other = state(server, "class", {"label": 1})
    assert first["classes"] == ["dark sky", "bright sky"] and other["label"] == 1
    assert other["shown"] != first["shown"] == state(server, "undo", {})["shown"]
    grey = serve("grey")
    assert state(grey)["label"] is None and ask(grey, "class", {"label": 0})[0] == 400
    state(grey, "paint", drawing(colour=(0.0, 1.0, 0.0)))
    pixels = image(settled(grey)["shown"])
    assert torch.equal(pixels[..., 0], pixels[..., 2])


def test_what_is_shown_can_be_saved(serve):
    server = serve("classes")
    state(server, "paint", drawing())
    shown = settled(server)["shown"]
    for blend in (1, 0.3):
        shown = state(server, "slide", {"blend": blend})["shown"]
        status, body = ask(server, "picture.png")
        assert status == 200 and Image.open(io.BytesIO(body)).tobytes() == b64decode(shown)
        saved = load(ask(server, "z.safetensors")[1])
        drawn = server.studio.manifold.gan.sample(z=saved["z"], labels=saved["label"], output="pil")[0]
        assert drawn.tobytes() == b64decode(shown)


WRONG = [
    ("paint", {}), ("paint", drawing(stroke="1")), ("paint", drawing(stroke=True)), ("paint", drawing(stroke=-1)),
    ("paint", drawing(hold=1.5)), ("paint", drawing(hold="0")), ("paint", drawing(hold=None)),
    ("paint", drawing(colour="") | {"colour": ""}), ("paint", drawing() | {"colour": "AAAA"}),
    ("paint", drawing() | {"sketch": "é"}), ("paint", drawing() | {"keep": 7}),
    ("paint", drawing() | {"keep": "A" * 9}),
    ("choose", {"row": COUNT}), ("choose", {"row": 1.0}), ("choose", {}), ("slide", {"blend": -0.1}),
    ("slide", {"blend": True}), ("class", {"label": 0}), ("photo", {"pixels": "AAAA"}), ("photo", {"pixels": None}),
]  # fmt: skip


def test_what_makes_no_sense_changes_nothing(serve):
    server = serve()
    before = state(server)
    for path, value in WRONG:
        status, said = ask(server, path, value)
        assert status == 400 and len(said.splitlines()) == 1, (path, value, said)
    assert state(server) == before


def test_who_may_not_send(serve):
    server = serve()
    assert ask(server, "new", {}, Origin="https://evil.example")[0] == 403
    assert ask(server, "new", {}, Host="evil.example")[0] == 403
    assert ask(server, "new", {"x": "A" * server.largest})[0] == 413
    assert ask(server, "paint", drawing())[0] == 200, "the largest that is sent fits"
    assert server.server_address[0] == "127.0.0.1"


def test_texts_of_the_model_are_texts(serve):
    server = serve(title="<img src=x onerror=alert(1)>\x1b[2J")
    server.studio.manifold.gan.class_names = ("\x1b]0;owned\x07", "\u202e")
    told = state(server)
    assert "\x1b" not in json.dumps(told, ensure_ascii=False) and "\u202e" not in told["classes"][1]


def test_trouble_on_the_way_is_told_and_survived(serve, monkeypatch):
    server = serve()
    with monkeypatch.context() as patch:
        patch.setattr(studio, "follow_strokes", lambda *given: iter([1 / 0 for _ in given]))
        state(server, "paint", drawing(1))
        assert settled(server)["note"] == "that failed: ZeroDivisionError: division by zero"
    state(server, "paint", drawing(2))
    assert settled(server)["note"].endswith("from what was drawn")
