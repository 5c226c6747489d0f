"""The functions of requests and their parameters, each with its form on an `httpx.AsyncClient`."""

from __future__ import annotations

from dataclasses import dataclass

from fastmigrate.knowledge.parity import Parity, Row

__all__ = ["ARGUMENTS", "FUNCTIONS", "Verb"]

EXACT, PINNED, LOSSY, NONE = Parity.EXACT, Parity.PINNED, Parity.LOSSY, Parity.NONE


@dataclass(frozen=True, slots=True)
class Verb:
    """A function of requests: its positional parameters, and whether httpx's method of that name takes a body."""

    method: str
    positional: tuple[str, ...]
    takes_body: bool
    fact: str


FUNCTIONS = {
    "requests.get": Verb("get", ("url", "params"), takes_body=False, fact="1.1, 1.5"),
    "requests.options": Verb("options", ("url",), takes_body=False, fact="1.3"),
    "requests.head": Verb("head", ("url",), takes_body=False, fact="10.2"),
    "requests.post": Verb("post", ("url", "data", "json"), takes_body=True, fact="1.2, 1.6, 1.7"),
    "requests.put": Verb("put", ("url", "data"), takes_body=True, fact="1.2, 1.6"),
    "requests.patch": Verb("patch", ("url", "data"), takes_body=True, fact="1.2, 1.6"),
    "requests.delete": Verb("delete", ("url",), takes_body=False, fact="1.3"),
    "requests.request": Verb("request", ("method", "url"), takes_body=True, fact="1.8, 10.3"),
}

_WITHOUT_NONE = "{{k: v for k, v in {}.items() if v is not None}}"
_BOOLS_AS_TEXT = "{{k: str(v) if isinstance(v, bool) else v for k, v in {}.items()}}"
_BOTH = "{{k: str(v) if isinstance(v, bool) else v for k, v in {}.items() if v is not None}}"
_UNKNOWN_VALUES = (
    "a value of `{parameter}` has a type that is not known: requests sends lists with `None`, `str` enums and bytes "
    "differently; an annotation makes the fix safe"
)

ARGUMENTS: dict[tuple[str, str], Row] = {
    ("method", "text"): Row(EXACT, "{}", "1.8, 1.9"),
    ("url", "text"): Row(EXACT, "{}", "1.1, 1.11"),
    ("url", "odd"): Row(
        LOSSY, "{}", "20", "the URL has characters that requests escapes, or unescapes, and httpx sends as they are"
    ),
    ("url", "object"): Row(PINNED, "str({})", "1.13"),
    ("url", "bytes"): Row(PINNED, "{}.decode()", "1.12"),
    ("params", "nothing"): Row(EXACT, "{}", "2.16"),
    ("params", "plain"): Row(EXACT, "{}", "2.1"),
    ("params", "none"): Row(PINNED, _WITHOUT_NONE, "2.2"),
    ("params", "bool"): Row(PINNED, _BOOLS_AS_TEXT, "2.4"),
    ("params", "none, bool"): Row(PINNED, _BOTH, "2.2, 2.4"),
    ("params", "unknown"): Row(LOSSY, _BOTH, "2.3, 2.5, 2.7, 2.8", _UNKNOWN_VALUES.format(parameter="params")),
    ("params", "unknown whole"): Row(
        LOSSY,
        "{}",
        "2.2, 2.4, 2.11 to 2.15",
        "what `params` holds is not known: `None`, booleans and text are sent differently; an annotation makes the fix "
        "safe",
    ),
    ("params", "not a dict"): Row(NONE, "", "2.11 to 2.15", "`params` is not known to be a dict"),
    ("params", "beside a query"): Row(
        NONE,
        "",
        "2.17, 2.18",
        "the URL has a query: requests adds `params` to it, httpx puts them in its place",
    ),
    ("params", "beside an unknown query"): Row(
        LOSSY,
        "{}",
        "2.17, 2.18",
        "if the URL has a query of its own, requests adds `params` to it, and httpx puts them in its place",
    ),
    ("data", "nothing"): Row(EXACT, "{}", "3.10"),
    ("data", "plain"): Row(EXACT, "{}", "3.1"),
    ("data", "none"): Row(PINNED, _WITHOUT_NONE, "3.2"),
    ("data", "bool"): Row(PINNED, _BOOLS_AS_TEXT, "3.3"),
    ("data", "none, bool"): Row(PINNED, _BOTH, "3.2, 3.3"),
    ("data", "unknown"): Row(LOSSY, _BOTH, "3.4 to 3.7", _UNKNOWN_VALUES.format(parameter="data")),
    ("data", "unknown whole"): Row(
        LOSSY,
        "{}",
        "3.2 to 3.8, 3.13 to 3.15",
        "what `data` holds is not known: `None` and booleans are sent differently, lists of pairs and files are "
        "refused; an annotation makes the fix safe",
    ),
    ("data", "text"): Row(EXACT, "content={}", "3.11, 3.12"),
    ("data", "not a dict"): Row(
        NONE,
        "",
        "3.8, 3.13 to 3.15",
        "`data` is not known to be a dict, text or bytes: httpx's async client refuses lists of pairs, files and "
        "generators",
    ),
    ("json", "any"): Row(EXACT, "{}", "4.3, 4.4, 4.7, 4.8"),
    ("json", "dumped"): Row(
        LOSSY,
        "{}",
        "4.1, 4.2",
        "what `json` sends is also made with `json.dumps` here, for a signature perhaps: httpx spaces it differently",
    ),
    ("headers", "nothing"): Row(EXACT, "{}", "1.16"),
    ("headers", "plain"): Row(EXACT, "{}", "6.1"),
    ("headers", "none"): Row(PINNED, _WITHOUT_NONE, "6.2"),
    ("headers", "odd"): Row(
        NONE, "", "6.5, 6.8", "a header has a value that is not ASCII or ends in a space, which httpx refuses"
    ),
    ("headers", "forwarded"): Row(
        NONE,
        "",
        "3.22, 6.13",
        "the caller's own headers are forwarded: requests computes Content-Length anew, httpx trusts the forwarded one",
    ),
    ("headers", "not a dict"): Row(NONE, "", "6.2", "`headers` is not known to be a dict"),
    ("timeout", "nothing"): Row(EXACT, "{}", "9.2"),
    ("timeout", "number"): Row(EXACT, "{}", "9.3, 9.5"),
    ("timeout", "pair"): Row(PINNED, "httpx.Timeout(connect={0}, read={1}, write={0}, pool=None)", "9.4, 9.6"),
    ("timeout", "named pair"): Row(
        PINNED, "httpx.Timeout(connect={}[0], read={}[1], write={}[0], pool=None)", "9.4, 9.6"
    ),
    ("timeout", "unknown"): Row(
        LOSSY,
        "{}",
        "9.4, 9.6, 9.11",
        "`timeout` is not known to be a number: of a (connect, read) pair, requests uses the first for sending, too",
    ),
    ("timeout", "wrong"): Row(NONE, "", "9.9, 9.10, 9.12", "`timeout` has a value that requests refuses"),
    ("auth", "nothing"): Row(EXACT, "{}", "1.16"),
    ("auth", "pair"): Row(EXACT, "{}", "8.1"),
    ("auth", "pair of others"): Row(PINNED, "(str({0}), str({1}))", "8.3"),
    ("auth", "pair of unknown"): Row(
        LOSSY, "{}", "8.3", "`auth` holds a value of a type that is not known: requests takes numbers and `None`, too"
    ),
    ("auth", "requests.auth.HTTPBasicAuth"): Row(EXACT, "httpx.BasicAuth", "8.5"),
    ("auth", "requests.auth.HTTPDigestAuth"): Row(EXACT, "httpx.DigestAuth", "8.8"),
    ("auth", "unknown"): Row(
        NONE,
        "",
        "8.6, 8.7",
        "`auth` is not a (user, password) pair: an auth object of requests may not work in httpx",
    ),
    ("allow_redirects", "any"): Row(EXACT, "follow_redirects={}", "10.4"),
    ("stream", "nothing"): Row(EXACT, "", "1.16"),
    ("stream", "true"): Row(PINNED, "", "16.1"),
    ("stream", "any"): Row(NONE, "", "16.1", "`stream` is not a constant: a streamed response is read in another way"),
    ("verify", "nothing"): Row(EXACT, "", "1.16"),
    ("verify", "any"): Row(NONE, "", "11.1", "`verify` belongs to a client in httpx, not to a call"),
    ("cert", "nothing"): Row(EXACT, "", "1.16"),
    ("cert", "any"): Row(NONE, "", "11.5", "`cert` belongs to a client in httpx, not to a call"),
    ("proxies", "nothing"): Row(EXACT, "", "1.16"),
    ("proxies", "any"): Row(NONE, "", "11.21", "proxies belong to a client in httpx, not to a call"),
    ("hooks", "nothing"): Row(EXACT, "", "1.16"),
    ("files", "nothing"): Row(EXACT, "", "5.24"),
    ("cookies", "nothing"): Row(EXACT, "", "1.16"),
}
"""(parameter, what is known of the argument) → row. An empty form drops the argument; what is not here is held."""
