#!/usr/bin/python3
"""Notes: a small web application on PostgreSQL and Redis.

    GET  /            a page with the latest notes; Redis counts how often it was seen
    GET  /notes       the latest 50 notes, newest first, as JSON
    GET  /notes/ID    one note, and how often it was read
    POST /notes       store {"text": "..."}; needs `Authorization: Bearer <API key>`
    GET  /whoami      the first 12 hex digits of the API key's SHA-256, and nothing else
    GET  /healthz     200 when PostgreSQL and Redis both answer, else 503

The API key comes from the environment (NOTES_API_KEY), the database's password from a file
(/run/secrets/notes_db_password); both are read once, at the start.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import json
import os
import re
import signal
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
import redis
from psycopg.rows import dict_row

PASSWORD_FILE = Path("/run/secrets/notes_db_password")
MAX_BODY = 64 * 1024
UNAVAILABLE = (psycopg.OperationalError, redis.RedisError)
SCHEMA = """CREATE TABLE IF NOT EXISTS notes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    text text NOT NULL, created timestamptz NOT NULL DEFAULT now())"""
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8"><title>Notes</title>
<style>body {{ font: 1rem/1.5 system-ui; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }}
time {{ color: #767676; font-size: .85em }}</style>
<h1>Notes</h1>
<ul>{items}</ul>
<p>The notes are kept by PostgreSQL. Views of this page, counted by Redis: {views}.</p>
"""
ITEM = "<li>{} <time>{:%Y-%m-%d %H:%M}</time></li>"


class Notes:
    """The notes in PostgreSQL, and what Redis counts.

    A connection to PostgreSQL lives for one request, so that nobody notices a restart of the
    database. Every method raises one of UNAVAILABLE when a store does not answer.
    """

    def __init__(self, *, database: str, cache: str, password: str) -> None:
        self._login = {"host": database, "user": "notes", "dbname": "notes", "password": password}
        self._redis = redis.Redis(host=cache, socket_timeout=3)

    def query(self, sql: str, *parameters: object) -> list[dict[str, Any]]:
        """Run one statement in a transaction of its own and return its rows."""
        with psycopg.connect(**self._login, connect_timeout=3, row_factory=dict_row) as database:
            cursor = database.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []

    def ping(self) -> None:
        """Return when both stores have answered."""
        self.query("SELECT 1")
        self._redis.ping()

    def add(self, text: str) -> dict[str, Any]:
        """Store a note and return it."""
        return self.query("INSERT INTO notes (text) VALUES (%s) RETURNING *", text)[0]

    def latest(self) -> list[dict[str, Any]]:
        """Return the 50 latest notes, newest first."""
        return self.query("SELECT id, text, created FROM notes ORDER BY id DESC LIMIT 50")

    def read(self, number: int) -> dict[str, Any] | None:
        """Return the note and how often it was read; None when there is no such note."""
        found = self.query("SELECT id, text, created FROM notes WHERE id = %s", number)
        return found[0] | {"reads": self.count(f"note {number}")} if found else None

    def count(self, event: str) -> int:
        """Return how often `event` happened, this time included."""
        return int(self._redis.incr(event))


def text_of(body: bytes) -> str:
    """Return the text in the body of a POST. Raises ValueError, saying what is wrong with it."""
    try:
        text = json.loads(body)["text"]
        text.encode()
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError('the body must be JSON: {"text": "..."}') from None
    if not text.strip() or "\0" in text:
        raise ValueError("a note needs a text, without NUL characters")
    return str(text)


class Handler(BaseHTTPRequestHandler):
    """One client's requests."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """Answer a read."""
        self._answer(self._get)

    def do_POST(self) -> None:
        """Answer a write."""
        self._answer(self._post)

    def _answer(self, answer: Callable[[Notes], None]) -> None:
        try:
            answer(self.server.notes)
        except UNAVAILABLE as error:
            self._json({"error": f"a store does not answer: {error}".strip()}, 503)

    def _get(self, notes: Notes) -> None:
        if self.path == "/":
            rows = notes.latest()
            items = "".join(ITEM.format(html.escape(row["text"]), row["created"]) for row in rows)
            self._send(PAGE.format(items=items, views=notes.count("page")), "text/html")
        elif self.path == "/notes":
            self._json({"notes": notes.latest()})
        elif match := re.fullmatch(r"/notes/([0-9]{1,18})", self.path):
            note = notes.read(int(match[1]))
            self._json(note) if note else self._json({"error": "there is no such note"}, 404)
        elif self.path == "/whoami":
            digest = hashlib.sha256(self.server.api_key.encode()).hexdigest()
            self._send(digest[:12] + "\n", "text/plain")
        elif self.path == "/healthz":
            notes.ping()
            self._json({"status": "ok"})
        else:
            self._json({"error": "there is no such page"}, 404)

    def _post(self, notes: Notes) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BODY:
            self.close_connection = True  # the body is not read, so nothing can follow it
            self._json({"error": f"the body must have a length, at most {MAX_BODY} bytes"}, 413)
            return
        body = self.rfile.read(int(length))
        given = self.headers.get("Authorization", "").encode()
        if self.path != "/notes":
            self._json({"error": "there is no such page"}, 404)
        elif not hmac.compare_digest(given, f"Bearer {self.server.api_key}".encode()):
            self._json({"error": "the API key is missing or wrong"}, 401)
        else:
            try:
                self._json(notes.add(text_of(body)), 201)
            except ValueError as error:
                self._json({"error": str(error)}, 400)

    def _json(self, value: object, status: int = 200) -> None:
        text = json.dumps(value, ensure_ascii=False, default=str) + "\n"
        self._send(text, "application/json", status)

    def _send(self, text: str, content_type: str, status: int = 200) -> None:
        body = text.encode()
        self.send_response(HTTPStatus(status))
        self.send_header("Content-Type", f"{content_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log the request, unless it is a health check that went well."""
        if (self.path, code) != ("/healthz", HTTPStatus.OK):
            super().log_request(code, size)


class Server(ThreadingHTTPServer):
    """The application on port 8080 of every address of its container."""

    def __init__(self, notes: Notes, api_key: str) -> None:
        super().__init__(("", 8080), Handler)
        self.notes, self.api_key = notes, api_key


def main() -> None:
    """Serve until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    password = PASSWORD_FILE.read_text().rstrip("\n")
    notes = Notes(database="notes-postgres", cache="notes-redis", password=password)
    notes.query(SCHEMA)
    Server(notes, os.environ.pop("NOTES_API_KEY").rstrip("\n")).serve_forever()


if __name__ == "__main__":
    main()
