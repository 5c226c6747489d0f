"""`requests.Session`: its methods as functions, and what becomes of its members."""

from __future__ import annotations

from fastmigrate.knowledge.parity import Parity, Row
from fastmigrate.knowledge.requests_calls import Verb

__all__ = ["METHODS", "SETTINGS", "USES"]

EXACT, PINNED, NONE = Parity.EXACT, Parity.PINNED, Parity.NONE

METHODS = {
    "requests.Session.get": Verb("get", ("url", "params"), takes_body=False, fact="1.1, 1.5"),
    "requests.Session.options": Verb("options", ("url",), takes_body=False, fact="1.3"),
    "requests.Session.head": Verb("head", ("url",), takes_body=False, fact="10.2"),
    "requests.Session.post": Verb("post", ("url", "data", "json"), takes_body=True, fact="1.2, 1.6, 1.7"),
    "requests.Session.put": Verb("put", ("url", "data"), takes_body=True, fact="1.2, 1.6"),
    "requests.Session.patch": Verb("patch", ("url", "data"), takes_body=True, fact="1.2, 1.6"),
    "requests.Session.delete": Verb("delete", ("url",), takes_body=False, fact="1.3"),
    "requests.Session.request": Verb(
        "request",
        (
            *("method", "url", "params", "data", "headers", "cookies", "files", "auth", "timeout", "allow_redirects"),
            *("proxies", "hooks", "stream", "verify", "cert", "json"),
        ),
        takes_body=True,
        fact="1.8, 10.3",
    ),
}

SETTINGS = {"headers": "{}", "params": "{}", "auth": "None", "cookies": "httpx.Cookies()"}
"""The members of a session that its calls take over, and what each of them is at first."""

_OF_THE_CLIENT = "of a session in line {line} belongs to a client in httpx: not migrated yet"

USES: dict[tuple[str, str], Row] = {
    ("headers", "assigned"): Row(PINNED, "{name}", "6.17, 18.4"),
    ("headers", "item"): Row(EXACT, "{name}", "18.4"),
    ("headers", "update()"): Row(EXACT, "{name}", "18.4"),
    ("params", "assigned"): Row(EXACT, "{name}", "2.24, 18.5"),
    ("params", "item"): Row(EXACT, "{name}", "2.24, 18.5"),
    ("params", "update()"): Row(EXACT, "{name}", "2.24, 18.5"),
    ("auth", "assigned"): Row(EXACT, "{name}", "8.13, 18.5"),
    ("cookies", "item"): Row(EXACT, "{name}", "7.16"),
    ("cookies", "set()"): Row(EXACT, "{name}", "7.16"),
    ("cookies", "update()"): Row(EXACT, "{name}", "7.16"),
    ("cookies", "clear()"): Row(EXACT, "{name}", "7.16"),
    ("cookies", "get()"): Row(EXACT, "{name}", "7.17"),
    ("close", "called"): Row(PINNED, "", "18.3"),
    ("timeout", "assigned"): Row(PINNED, "", "9.14"),
    ("mount", "called"): Row(
        NONE,
        "",
        "12.11, 18.7 to 18.9",
        "`mount(…)` in line {line} has no counterpart in httpx: a retry adapter repeats calls by itself, which no "
        "client there does",
    ),
    ("hooks", ""): Row(NONE, "", "16.18, 16.19", "`hooks` of a session in line {line}: httpx calls hooks otherwise"),
    ("verify", ""): Row(NONE, "", "11.1, 18.6", f"`verify` {_OF_THE_CLIENT}"),
    ("cert", ""): Row(NONE, "", "11.5, 18.6", f"`cert` {_OF_THE_CLIENT}"),
    ("proxies", ""): Row(NONE, "", "11.21, 18.6", f"`proxies` {_OF_THE_CLIENT}"),
    ("trust_env", ""): Row(NONE, "", "11.29, 18.6", f"`trust_env` {_OF_THE_CLIENT}"),
    ("max_redirects", ""): Row(NONE, "", "10.5, 18.5", f"`max_redirects` {_OF_THE_CLIENT}"),
    ("stream", ""): Row(NONE, "", "16.1", "`stream` of a session in line {line} is not migrated yet"),
    ("send", "called"): Row(
        NONE, "", "18.10 to 18.12", "`send(…)` of a prepared request in line {line} is not migrated yet"
    ),
    ("prepare_request", "called"): Row(
        NONE, "", "18.10 to 18.12", "`prepare_request(…)` in line {line} is not migrated yet"
    ),
}
"""(member of a session, how it is used) → row; the use "" stands for any other.

The form is what the member becomes, `{name}` being the local name of the setting; an empty one drops the statement.
What is not here is held.
"""
