"""The rival: a bare Flask app that makes a webhook durable with one insert, behind one connection and a lock.

``BARE_DATABASE`` names its SQLite file. Nothing is verified, parsed, counted or logged.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time

from flask import Flask, Response, jsonify, request

app = Flask("bare", static_folder=None)

_lock = threading.Lock()
_connection = sqlite3.connect(os.environ["BARE_DATABASE"], check_same_thread=False, isolation_level=None)
_connection.execute("PRAGMA journal_mode = WAL")
_connection.execute("PRAGMA synchronous = FULL")
_connection.execute("CREATE TABLE IF NOT EXISTS webhooks (id INTEGER PRIMARY KEY, at REAL, body BLOB)")


@app.post("/webhooks/<account>")
def receive(account: str) -> tuple[Response, int]:
    del account
    body = request.get_data(cache=False)
    with _lock:
        _connection.execute("INSERT INTO webhooks (at, body) VALUES (?, ?)", (time.time(), body))
    return jsonify(status="accepted"), 202
