"""A Hugging Face Hub on this machine, for the tests: the unmodified client talks to it over HTTP.

Status codes, headers and fields are those of ``../shared/design/hub.md``. Repositories live in memory. LFS files are
served from and sent to another origin (``localhost`` in place of ``127.0.0.1``), where a token must never arrive.
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

LFS = (".safetensors", ".png", ".gif", ".bin")
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
LICENCES = {"apache-2.0", "mit", "cc-by-4.0", "cc0-1.0", "other"}
OWNER, READER, STRANGER = "hf_owner0123456789", "hf_reader0123456789", "hf_stranger0123456789"
PATH = r"(?:spaces/)?[^/]+/[^/]+"


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str = "", message: str = "", body: Any = None, **headers: str) -> None:
        super().__init__(status, code, message)
        self.status, self.body = status, body if body is not None else {"error": message or code}
        named = {"X-Error-Code": code, "X-Error-Message": message, **headers}
        self.headers = {name.replace("_", "-"): value for name, value in named.items() if value}


@dataclass
class Repo:
    """A repository: commits by id, each the whole of its files, and the ends of its branches.

    A Space is called ``spaces/org/name``, as its page is.
    """

    name: str
    private: bool = False
    gated: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def commit(self, files: dict[str, bytes], branch: str = "main", message: str = "") -> str:
        """Make ``files`` the content of a branch."""
        text = json.dumps([len(self.commits), self.name, message, sorted(files)])
        oid = sha1(text.encode()).hexdigest()
        self.commits[oid], self.branches[branch] = dict(files), oid
        self.messages.append(message)
        return oid

    def files(self, revision: str) -> tuple[str, dict[str, bytes]]:
        """The commit that a revision is, and its files."""
        oid = self.branches.get(revision, revision)
        if oid not in self.commits:
            raise Refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return oid, self.commits[oid]

    def head(self) -> dict[str, bytes]:
        """The files of the main branch."""
        return self.files("main")[1]


@dataclass
class Fault:
    """Something that goes wrong with the next ``times`` requests that match."""

    method: str
    path: str
    kind: (
        str  # "503", "drop" the connection, "lost" (done, but the answer is lost), "cut:N" bytes of the body, "wait:N"
    )
    # (429, and a Retry-After of N seconds), "json:TEXT" (done, and TEXT is the answer), or, each of the right length,
    # "flip" (one bit of the body) and "html" (a page in its place)
    times: int = 1


@dataclass
class Seen:
    """A request that arrived."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


class HubServer:
    """The state of the Hub; ``url`` is what ``HF_ENDPOINT`` is to be."""

    def __init__(self) -> None:
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.hub = self  # type: ignore[attr-defined]
        self.port = self.http.server_address[1]
        self.url, self.elsewhere = f"http://127.0.0.1:{self.port}", f"http://localhost:{self.port}"
        self.reset()
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def reset(self) -> None:
        """Forget everything."""
        self.repos: dict[str, Repo] = {}
        self.objects: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.seen: list[Seen] = []
        self.tokens = {OWNER: ("me", True), READER: ("me", False), STRANGER: ("stranger", True)}

    def repo(self, name: str, files: dict[str, bytes] | None = None, **about: bool) -> Repo:
        """Put a repository there, as if it had been pushed."""
        self.repos[name] = Repo(name, **about)
        self.repos[name].commit(files or {".gitattributes": b""})
        self.objects.update({sha256(data).hexdigest(): data for data in (files or {}).values()})
        return self.repos[name]

    def fail(self, method: str, path: str, kind: str, times: int = 1) -> None:
        """Let requests whose path holds ``path`` go wrong."""
        self.faults.append(Fault(method, path, kind, times))

    def fault(self, method: str, path: str) -> str:
        """What goes wrong with this request, if anything."""
        for one in self.faults:
            if one.times and one.method == method and one.path in path:
                one.times -= 1
                return one.kind
        return ""

    def calls(self, method: str, path: str = "") -> list[Seen]:
        """Requests of a method whose path holds ``path``."""
        return [seen for seen in self.seen if seen.method == method and path in seen.path]

    def user(self, headers: dict[str, str]) -> tuple[str, bool] | None:
        """Who asks, and whether the token may write; unknown tokens are refused everywhere."""
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if not token:
            return None
        if token not in self.tokens:
            raise Refused(401, message="Invalid credentials in Authorization header")
        return self.tokens[token]

    def readable(self, name: str, headers: dict[str, str], content: bool = False) -> Repo:
        """A repository that the caller may see."""
        who, repo = self.user(headers), self.repos.get(name)
        mine = who is not None and who[0] == "me"
        if repo is None or (repo.private and not mine):
            raise Refused(404 if who else 401, "RepoNotFound", "Repository not found")
        if repo.gated and content and not mine:
            raise Refused(403 if who else 401, "GatedRepo", "Access to this model is restricted")
        return repo

    def writable(self, name: str, headers: dict[str, str]) -> Repo:
        """A repository that the caller may change."""
        repo, who = self.readable(name, headers), self.user(headers)
        if who is None:
            raise Refused(401, "RepoNotFound", "Repository not found")
        if who != ("me", True):
            raise Refused(403, message="You don't have the rights to write to this repository")
        return repo


def blob_oid(name: str, data: bytes) -> str:
    """How the Hub names a file's content: sha256 of LFS files, git's own of others."""
    return sha256(data).hexdigest() if is_lfs(name, data) else sha1(b"blob %d\0" % len(data) + data).hexdigest()


def stored(name: str, data: bytes) -> dict[str, Any]:
    """What a listing says of a file's content: of an LFS file git's blob is only a pointer with its sha256."""
    if not is_lfs(name, data):
        return {"blobId": blob_oid(name, data)}
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{blob_oid(name, data)}\nsize {len(data)}\n"
    lfs = {"sha256": blob_oid(name, data), "size": len(data), "pointerSize": len(pointer)}
    return {"blobId": blob_oid("pointer", pointer.encode()), "lfs": lfs}


def is_lfs(name: str, data: bytes) -> bool:
    return name.endswith(LFS) and len(data) > 0


def metadata(readme: bytes) -> tuple[dict[str, Any], list[str]]:
    """The front matter of a card and what is wrong with it."""
    found = re.match(r"---\r?\n(.*?)\n---", readme.decode(), re.DOTALL)
    try:
        data = yaml.safe_load(found[1]) if found else {}
    except yaml.YAMLError as error:
        return {}, [f"bad yaml: {error}"]
    wrong = []
    if data.get("license", "apache-2.0") not in LICENCES:
        wrong.append('"license" must be one of the known ids')
    if not isinstance(data.get("tags", []), list):
        wrong.append('"tags" must be an array')
    for result in [r for model in data.get("model-index", []) for r in model["results"]]:
        wrong += ['"model-index" is broken' for m in result["metrics"] if not isinstance(m["value"], (int, float))]
    return data, wrong


def flip(data: bytes) -> bytes:
    """One bit of it is another: the last but one byte's, which in a file of tensors is in a number's exponent."""
    return data[:-2] + bytes([data[-2] ^ 1]) + data[-1:] if len(data) > 1 else data


def html(data: bytes) -> bytes:
    """A page of that length."""
    return b"<html>Sign in to this network</html>".ljust(len(data))[: len(data)]


SPOILERS: dict[str, Callable[[bytes], bytes]] = {"flip": flip, "html": html}
Answer = tuple[int, Any, dict[str, str]]


class Handler(BaseHTTPRequestHandler):
    """One request at a time; :data:`Handler.routes` says which method answers what."""

    protocol_version = "HTTP/1.1"
    routes: ClassVar[list[tuple[str, str, str]]] = [
        ("POST", r"/api/repos/create", "create"),
        ("POST", r"/api/validate-yaml", "validate"),
        ("GET", r"/api/models", "search"),
        ("GET", rf"/api/models/({PATH})(?:/revision/([^/]+))?", "info"),
        ("GET", rf"/api/models/({PATH})/tree/([^/]+)", "tree"),
        ("POST", rf"/api/models/({PATH})/branch/([^/]+)", "branch"),
        ("POST", rf"/api/models/({PATH})/preupload/([^/]+)", "preupload"),
        ("POST", rf"/api/models/({PATH})/commit/([^/]+)", "commit"),
        ("POST", rf"/({PATH})\.git/info/lfs/objects/batch", "batch"),
        ("PUT", r"/upload/([0-9a-f]{64})", "upload"),
        ("POST", r"/verify", "verify"),
        ("HEAD", rf"/({PATH})/resolve/([^/]+)/(.+)", "resolve"),
        ("GET", rf"/({PATH})/resolve/([^/]+)/(.+)", "resolve"),
        ("HEAD", r"/cdn/([0-9a-f]{64})", "cdn"),
        ("GET", r"/cdn/([0-9a-f]{64})", "cdn"),
    ]

    @property
    def hub(self) -> HubServer:
        return self.server.hub  # type: ignore[attr-defined]

    def log_message(self, *args: Any) -> None:
        """Nothing: tests look at ``HubServer.seen``."""

    def handle_any(self) -> None:
        """Answer, or go wrong as the test wants."""
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        self.plain = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(self.plain.get("content-length", 0)))
        self.request_seen = Seen(self.command, path, query, self.plain, body)
        self.hub.seen.append(self.request_seen)
        fault = self.hub.fault(self.command, path)
        if fault == "drop":
            return self.hang_up()
        status, data, headers = (503, {"error": "down"}, {}) if fault == "503" else self.answer(path)
        if fault == "lost":
            return self.hang_up()
        kind, _, text = fault.partition(":")
        if kind == "wait":
            status, data, headers = 429, {"error": "too many requests"}, {"Retry-After": text}
        elif kind == "json":
            data = text.encode("latin-1")
        elif kind in SPOILERS and isinstance(data, bytes):
            data = SPOILERS[kind](data)
        self.send(status, data, headers, int(fault[4:]) if fault.startswith("cut:") else None)

    do_GET = do_HEAD = do_POST = do_PUT = handle_any

    def answer(self, path: str) -> Answer:
        path = path.replace("/api/spaces/", "/api/models/spaces/", 1)
        for method, pattern, name in self.routes:
            found = re.fullmatch(pattern, path)
            if found and method == self.command:
                try:
                    reply: Callable[..., Answer] = getattr(self, name)
                    return reply(*(None if text is None else unquote(text) for text in found.groups()))
                except Refused as error:
                    return error.status, error.body, error.headers
        return 404, {"error": f"no such page {path}"}, {}

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def send(self, status: int, data: Any, headers: dict[str, str], cut: int | None = None) -> None:
        raw = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(raw)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw if cut is None else raw[:cut])
        if cut is not None:
            self.wfile.flush()
            self.hang_up()

    def json(self) -> Any:
        return json.loads(self.request_seen.body)

    # --- what there is --------------------------------------------------------------------------------------

    def info(self, name: str, revision: str | None) -> Answer:
        repo = self.hub.readable(name, self.plain)
        commit, files = repo.files(revision or "main")
        siblings = [{"rfilename": path, "size": len(data), **stored(path, data)} for path, data in files.items()]
        about = self.about(repo)
        about["id"] = about["id"].removeprefix("spaces/")
        return 200, {**about, "sha": commit, "siblings": siblings}, {}

    def about(self, repo: Repo) -> dict[str, Any]:
        card = metadata(repo.head().get("README.md", b""))[0]
        tags = [*card.get("tags", []), *(f"dataset:{name}" for name in card.get("datasets", []))]
        return {"id": repo.name, "modelId": repo.name, "private": repo.private, "gated": repo.gated, "tags": tags,
                "downloads": 3, "likes": 1, "cardData": card, "lastModified": "2026-11-01T00:00:00.000Z"}  # fmt: skip

    def search(self) -> Answer:
        query, who = self.request_seen.query, self.hub.user(self.plain)
        mine = who is not None and who[0] == "me"
        wanted, text = set(query.get("filter", [])), query.get("search", [""])[0].lower()
        found = []
        for repo in [repo for name, repo in self.hub.repos.items() if not name.startswith("spaces/")]:
            about = self.about(repo)
            if wanted <= set(about["tags"]) and text in repo.name.lower() and (mine or not repo.private):
                found.append(about)
        return 200, found[: int(query.get("limit", ["1000"])[0])], {}

    def tree(self, name: str, revision: str) -> Answer:
        files = self.hub.readable(name, self.plain).files(revision)[1]
        return 200, [{"type": "file", "path": path, "size": len(data), "oid": blob_oid(path, data)}
                     for path, data in files.items()], {}  # fmt: skip

    def resolve(self, name: str, revision: str, path: str) -> Answer:
        commit, files = self.hub.readable(name, self.plain, content=True).files(revision)
        if path not in files:
            raise Refused(404, "EntryNotFound", "Entry not found", X_Repo_Commit=commit)
        data, oid = files[path], blob_oid(path, files[path])
        if not is_lfs(path, data):
            return self.part(data, {"ETag": f'"{oid}"', "X-Repo-Commit": commit})
        self.hub.objects[oid] = data
        headers = {"X-Linked-Etag": f'"{oid}"', "X-Linked-Size": str(len(data)), "X-Repo-Commit": commit}
        return 302, b"", {**headers, "Location": f"{self.hub.elsewhere}/cdn/{oid}"}

    def cdn(self, oid: str) -> Answer:
        return self.part(self.hub.objects[oid], {"ETag": f'"{oid}"'})

    def part(self, data: bytes, headers: dict[str, str]) -> Answer:
        """The whole of a file, or what a Range header asks for."""
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.plain.get("range", ""))
        headers = {**headers, "Accept-Ranges": "bytes"}
        if not found:
            return 200, data, headers
        start, end = int(found[1]), min(int(found[2] or len(data) - 1), len(data) - 1)
        return 206, data[start : end + 1], {**headers, "Content-Range": f"bytes {start}-{end}/{len(data)}"}

    # --- what is sent ---------------------------------------------------------------------------------------

    def create(self) -> Answer:
        asked, who = self.json(), self.hub.user(self.plain)
        space = asked.get("type") == "space"
        name = f"{'spaces/' * space}{asked['organization'] or 'me'}/{asked['name']}"
        if who is None:
            raise Refused(401, message="Invalid username or password.")
        if name in self.hub.repos:
            raise Refused(409, message="You already created this model repo", body={"url": f"{self.hub.url}/{name}"})
        if who != ("me", True):
            raise Refused(403, message="You don't have the rights to create a model under this namespace")
        card = {"README.md": f"---\ntitle: A Space\nsdk: {asked['sdk']}\n---\n".encode()} if space else None
        self.hub.repo(name, card, private=asked.get("visibility") == "private")
        return 200, {"url": f"{self.hub.url}/{name}"}, {}

    def branch(self, name: str, branch: str) -> Answer:
        repo = self.hub.writable(name, self.plain)
        if branch in repo.branches:
            raise Refused(409, message="Reference already exists")
        repo.branches[branch] = repo.branches["main"]
        return 200, {}, {}

    def validate(self) -> Answer:
        self.hub.user(self.plain)
        card, said = metadata(self.json()["content"].encode())
        if self.json()["repoType"] == "space":
            said += [f'"{key}" is required' for key in ("sdk", "title") if not card.get(key)]
            said += ['"colorFrom" must be one of the known'] * (card.get("colorFrom", "red") not in COLOURS)
        wrong = [{"message": text} for text in said]
        return (400 if wrong else 200), {"errors": wrong, "warnings": []}, {}

    def preupload(self, name: str, revision: str) -> Answer:
        files = self.hub.writable(name, self.plain).files(revision)[1]
        modes = []
        for asked in self.json()["files"]:
            path = asked["path"]
            lfs = path.endswith(LFS) and asked["size"] > 0
            known = {"oid": blob_oid(path, files[path])} if path in files else {}
            modes.append({"path": path, "uploadMode": "lfs" if lfs else "regular", "shouldIgnore": False, **known})
        return 200, {"files": modes}, {}

    def batch(self, name: str) -> Answer:
        self.hub.writable(name, self.plain)
        objects = []
        for asked in self.json()["objects"]:
            actions = {"upload": {"href": f"{self.hub.elsewhere}/upload/{asked['oid']}"},
                       "verify": {"href": f"{self.hub.url}/verify"}}  # fmt: skip
            objects.append({**asked, **({} if asked["oid"] in self.hub.objects else {"actions": actions})})
        return 200, {"transfer": "basic", "objects": objects}, {}

    def upload(self, oid: str) -> Answer:
        if sha256(self.request_seen.body).hexdigest() != oid:
            raise Refused(400, message="the content is another")
        self.hub.objects[oid] = self.request_seen.body
        return 200, b"", {}

    def verify(self) -> Answer:
        self.hub.user(self.plain)
        return (200 if self.json()["oid"] in self.hub.objects else 404), {}, {}

    def commit(self, name: str, revision: str) -> Answer:
        repo = self.hub.writable(name, self.plain)
        parent, files = repo.files(revision)
        lines = [json.loads(line) for line in self.request_seen.body.splitlines()]
        header = lines[0]["value"]
        if header.get("parentCommit") not in (None, parent):
            raise Refused(412, message="A commit has happened since. Please refresh and try again.")
        files = dict(files)
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "deletedFile":
                del files[value["path"]]
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
            else:
                files[value["path"]] = base64.b64decode(value["content"])
        pull = "create_pr" in self.request_seen.query
        branch = f"refs/pr/{len(repo.branches)}" if pull else revision
        oid = repo.commit(files, branch, header["summary"])
        url = {"pullRequestUrl": f"{self.hub.url}/{name}/discussions/1"} if pull else {}
        return 200, {"success": True, "commitOid": oid, "commitUrl": f"{self.hub.url}/{name}/commit/{oid}", **url}, {}


def stand_in(home: str, token: str = "") -> HubServer:
    """A Hub that this process and its children take for the real one, and nobody's cache or token.

    ``huggingface_hub`` reads its environment when it is imported: call this before. Xet is off as this server speaks
    plain LFS.

    Args:
        home: folder of the client's cache.
        token: of whom is logged in; nobody by default.
    """
    assert "huggingface_hub" not in sys.modules
    server = HubServer()
    for name in [name for name in os.environ if name.startswith(("HF_", "HUGGING_FACE_"))]:
        del os.environ[name]
    off = {f"HF_HUB_DISABLE_{what}": "1" for what in ("XET", "TELEMETRY", "PROGRESS_BARS")}
    os.environ.update({"HF_ENDPOINT": server.url, "HF_HOME": home, "NO_PROXY": "127.0.0.1,localhost", **off})
    os.environ.update({"HF_TOKEN": token} if token else {})
    return server
