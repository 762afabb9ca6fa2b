"""A TLS upstream that offers HTTP/2, with a certificate authority of its own; run as a child process.

    tls_upstream.py PORT CERTIFICATE KEY LOG

Each request's protocol version is appended to LOG.
"""

from __future__ import annotations

import asyncio
import json
import sys

import replies
from hypercorn.asyncio import serve
from hypercorn.config import Config


def events() -> list[bytes]:
    return [replies.event(one) for one in replies.text_chunks("Hello", " there", ".")] + [replies.DONE]


def application(log: str):
    async def answer(scope, receive, send):
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        with open(log, "a", encoding="ascii") as out:
            out.write(scope["http_version"] + "\n")
        streamed = bool(json.loads(body).get("stream"))
        kind = b"text/event-stream" if streamed else b"application/json"
        pieces = events() if streamed else [json.dumps(replies.completion()).encode()]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(0.01)
        await send({"type": "http.response.body", "body": b""})

    return answer


def main():
    port, certificate, key, log = sys.argv[1:]
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.certfile, config.keyfile = certificate, key
    config.alpn_protocols = ["h2", "http/1.1"]
    asyncio.run(serve(application(log), config))


if __name__ == "__main__":
    main()
