"""Vertex AI, as far as kimi-host uses it: token endpoint, metadata server, chat endpoint, generateContent.

A TCP server on 127.0.0.1 that asserts what it receives: a request that the real one would refuse is answered with an
error in Google's shape and kept in `complaints`. Answers to models are taken from a queue (`reply`).
"""

from __future__ import annotations

import base64
import collections
import json
import re
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
EMAIL = "robot@p1.iam.gserviceaccount.com"
KEY_ID = "key-1"
REFRESH_TOKEN = "1//refresh"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


class Refusal(Exception):
    """What the real service would answer with an error."""

    def __init__(self, http: int, body: dict):
        super().__init__(json.dumps(body))
        self.http, self.body = http, body


def status(http: int, word: str, message: str) -> Refusal:
    return Refusal(http, {"error": {"code": http, "message": message, "status": word}})


class FakeVertex:
    """The server. `origin` is its address; `credentials` a service account's file that points to it."""

    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.lock = threading.Lock()
        self.replies: collections.deque = collections.deque()
        self.requests: list[tuple[str, dict]] = []
        self.complaints: list[str] = []
        self.tokens: dict[str, float] = {}
        self.exchanges = 0
        self.token_delay = 0.0
        self.lifetime = 3600
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.answer()

            def do_POST(self):
                self.answer()

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                try:
                    kind, payload = fake.handle(self.command, self.path, self.headers, body)
                    http = 200
                except Refusal as refusal:
                    fake.complaints.append(f"{self.path}: {refusal}")
                    http, kind, payload = refusal.http, "application/json", json.dumps(refusal.body).encode()
                self.send_response(http)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        self.origin = f"http://{self.host}"
        threading.Thread(target=self.server.serve_forever, name="fake-vertex", daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    @property
    def credentials(self) -> dict:
        pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {
            "type": "service_account", "project_id": "p1", "private_key_id": KEY_ID, "private_key": pem.decode(),
            "client_email": EMAIL, "token_uri": f"{self.origin}/token",
        }  # fmt: skip

    @property
    def user(self) -> dict:
        return {
            "type": "authorized_user", "client_id": "c1", "client_secret": "s1", "refresh_token": REFRESH_TOKEN,
            "token_uri": f"{self.origin}/token",
        }  # fmt: skip

    def reply(self, *chunks: dict):
        """The chunks of the next answer of a model; one is also what a whole answer is."""
        self.replies.append(chunks)

    def revoke(self):
        with self.lock:
            self.tokens.clear()

    # Requests

    def handle(self, method: str, path: str, headers, body: bytes) -> tuple[str, bytes]:
        if path == "/token":
            return "application/json", json.dumps(self.token(method, headers, body)).encode()
        if path.startswith("/computeMetadata/"):
            return "application/json", json.dumps(self.metadata(method, path, headers)).encode()
        self.authorize(headers)
        if method != "POST" or headers.get("Content-Type") != "application/json":
            raise status(400, "INVALID_ARGUMENT", "POST with application/json is wanted")
        request = json.loads(body)
        with self.lock:
            self.requests.append((path, request))
            chunks = self.replies.popleft() if self.replies else None
        if path.endswith("/endpoints/openapi/chat/completions"):
            return self.chat(path, headers, request, chunks)
        return self.gemini(path, request, chunks)

    def grant(self) -> dict:
        time.sleep(self.token_delay)
        with self.lock:
            self.exchanges += 1
            token = f"ya29.fake-{self.exchanges}"
            self.tokens[token] = time.time() + self.lifetime
        return {"access_token": token, "expires_in": self.lifetime, "token_type": "Bearer"}

    def token(self, method: str, headers, body: bytes) -> dict:
        if method != "POST" or headers.get("Content-Type") != "application/x-www-form-urlencoded":
            raise Refusal(400, {"error": "invalid_request", "error_description": "a form is wanted"})
        form = {name: values[0] for name, values in urllib.parse.parse_qs(body.decode(), strict_parsing=True).items()}
        if form["grant_type"] == "refresh_token":
            if (form["client_id"], form["client_secret"], form["refresh_token"]) != ("c1", "s1", REFRESH_TOKEN):
                raise Refusal(400, {"error": "invalid_grant", "error_description": "Bad Request"})
            return self.grant()
        if form["grant_type"] != "urn:ietf:params:oauth:grant-type:jwt-bearer":
            raise Refusal(400, {"error": "unsupported_grant_type"})
        self.check_assertion(form["assertion"])
        return self.grant()

    def check_assertion(self, jwt: str):
        def refuse(text: str):
            raise Refusal(400, {"error": "invalid_grant", "error_description": text})

        def decode(part: str) -> bytes:
            return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

        parts = jwt.split(".")
        if len(parts) != 3 or "=" in jwt:
            refuse("Invalid JWT: three parts without padding are wanted.")
        try:
            signed = f"{parts[0]}.{parts[1]}".encode()
            self.key.public_key().verify(decode(parts[2]), signed, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            refuse("Invalid JWT Signature.")
        header, claims = json.loads(decode(parts[0])), json.loads(decode(parts[1]))
        if header != {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}:
            refuse(f"Invalid JWT header {header}.")
        if claims["iss"] != EMAIL or claims["aud"] != f"{self.origin}/token" or claims["scope"] != SCOPE:
            refuse(f"Invalid JWT claims {claims}.")
        now = time.time()
        if not now - 3600 < claims["iat"] <= now + 5 or not now < claims["exp"] <= claims["iat"] + 3600:
            refuse("Invalid JWT: check your iat and exp values.")

    def metadata(self, method: str, path: str, headers) -> dict:
        if headers.get("Metadata-Flavor") != "Google":
            raise Refusal(403, {"error": "Missing required header Metadata-Flavor"})
        if method != "GET" or path != "/computeMetadata/v1/instance/service-accounts/default/token":
            raise Refusal(404, {"error": "not found"})
        return self.grant()

    def authorize(self, headers):
        token = (headers.get("Authorization") or "").removeprefix("Bearer ")
        with self.lock:
            end = self.tokens.get(token, 0)
        if token != "static-token" and end < time.time():
            raise status(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")

    # Models

    @staticmethod
    def events(chunks) -> bytes:
        return b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in chunks)

    def chat(self, path: str, headers, request: dict, chunks) -> tuple[str, bytes]:
        if not re.fullmatch(r"/v1/projects/p1/locations/[a-z0-9-]+/endpoints/openapi/chat/completions", path):
            raise status(404, "NOT_FOUND", f"no such path {path}")
        if headers.get("X-Goog-User-Project") != "p1" or not request["model"].endswith("-maas"):
            raise status(400, "INVALID_ARGUMENT", "project header or model is wrong")
        if request.get("stream"):
            return "text/event-stream", self.events(chunks or ()) + b"data: [DONE]\n\n"
        return "application/json", json.dumps(chunks[0]).encode()

    def gemini(self, path: str, request: dict, chunks) -> tuple[str, bytes]:
        place = r"/v1(?:beta1)?/projects/p1/locations/[a-z0-9-]+/publishers/google/models/[\w.-]+"
        match = re.fullmatch(place + r":(generateContent|streamGenerateContent\?alt=sse)", path)
        if not match:
            raise status(404, "NOT_FOUND", f"no such path {path}")
        check_gemini(request, checks_signatures="/models/gemini-3" in path)
        if chunks is None:
            raise status(500, "INTERNAL", "the test has no reply for this request")
        if match[1] == "generateContent":
            return "application/json", json.dumps(chunks[0]).encode()
        return "text/event-stream", self.events(chunks)


MEMBERS = {
    "contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings", "labels",
    "cachedContent",
}  # fmt: skip
PART_MEMBERS = {
    "text", "inlineData", "fileData", "functionCall", "functionResponse", "thought", "thoughtSignature"
}  # fmt: skip


def require(holds: bool, message: str):
    if not holds:
        raise status(400, "INVALID_ARGUMENT", message)


def check_gemini(request: dict, checks_signatures: bool):
    """The rules that the real API is known to hold to."""
    unknown = set(request) - MEMBERS
    require(not unknown, f"Unknown names {sorted(unknown)}")
    require(bool(request.get("contents")), "contents must not be empty")
    previous_calls: list[str] = []
    for turn in request["contents"]:
        require(set(turn) == {"role", "parts"} and turn["role"] in ("user", "model"), f"bad turn {turn}")
        require(bool(turn["parts"]), "a turn must have parts")
        for part in turn["parts"]:
            require(not set(part) - PART_MEMBERS, f"unknown part {part}")
            if "inlineData" in part:
                require(set(part["inlineData"]) == {"mimeType", "data"}, "inlineData needs mimeType and data")
                base64.b64decode(part["inlineData"]["data"], validate=True)
        results = [part["functionResponse"]["name"] for part in turn["parts"] if "functionResponse" in part]
        if previous_calls or results:
            require(
                results == previous_calls,
                "the number of function response parts must be equal to that of the function call parts",
            )
        calls = [part for part in turn["parts"] if "functionCall" in part]
        previous_calls = [part["functionCall"]["name"] for part in calls]
        if calls and checks_signatures:
            require("thoughtSignature" in calls[0], "Function call is missing a thought_signature")
    for tool in request.get("tools", []):
        for function in tool["functionDeclarations"]:
            require(bool(NAME.fullmatch(function["name"])), f"Invalid function name {function['name']}")
            if "parameters" in function:
                check_schema(function["parameters"])


def check_schema(schema: dict):
    known = {
        "type", "nullable", "enum", "description", "properties", "required", "items", "anyOf", "title", "format",
        "minItems", "maxItems", "minLength", "maxLength", "pattern", "minimum", "maximum", "minProperties",
        "maxProperties", "default", "propertyOrdering", "example",
    }  # fmt: skip
    require(not set(schema) - known, f"unknown schema members {sorted(set(schema) - known)}")
    types = ("OBJECT", "STRING", "ARRAY", "NUMBER", "INTEGER", "BOOLEAN")
    require(schema.get("type", "STRING") in types, f"bad type {schema.get('type')}")
    for inner in [*schema.get("properties", {}).values(), *schema.get("anyOf", []), schema.get("items", {})]:
        check_schema(inner) if inner else None
