"""The code that is written once per app: short, and with one comment that says why it is there.

Measured in docs/facts/requests-to-httpx.md: redirects 10.1 and 10.5, timeouts 9.1, cookies 7.1 and 7.5 to 7.6, the
pool 12.2, the length of an empty body 1.3, text without a charset 14.1.
"""

from __future__ import annotations

__all__ = ["BASES", "LIFESPAN", "LINE_READER", "NO_STORE", "PROMISES", "WRAPPER", "quoted"]

_OF_REQUESTS = """\
# requests promises what httpx leaves to its caller: a cookie lives for one call and
# its redirects, an empty body states its length, text without a charset is Latin-1.
async def {request_hook}(request: {httpx}.Request) -> None:
    if "cookies" in request.extensions:
        request.extensions["cookies"].set_cookie_header(request)
    chunked = "Transfer-Encoding" in request.headers
    if request.method not in ("GET", "HEAD") and not chunked:
        request.headers.setdefault("Content-Length", "0")


async def {response_hook}(response: {httpx}.Response) -> None:
    call = response.request.extensions
    call.setdefault("cookies", {httpx}.Cookies()).extract_cookies(response)
    content_type = response.headers.get("Content-Type", "")
    if "text" in content_type and response.charset_encoding is None:
        response.encoding = "ISO-8859-1"
"""

_OF_COOKIES = """\
# A cookie lives for one call and its redirects, or for all calls that are given the
# same jar: what one request to this app is told is no other request's business.
async def {send_hook}(request: {httpx}.Request) -> None:
    if "cookies" in request.extensions:
        request.extensions["cookies"].set_cookie_header(request)


async def {keep_hook}(response: {httpx}.Response) -> None:
    call = response.request.extensions
    call.setdefault("cookies", {httpx}.Cookies()).extract_cookies(response)
"""

PROMISES = {"requests": _OF_REQUESTS, "httpx with cookies": _OF_COOKIES}
"""The hooks of those clients that need some, by what the clients are made to behave like."""

LINE_READER = """\
# The lines of an answer as requests gives them: as bytes, and only line feeds and
# carriage returns end one. `aiter_lines` gives text, and knows more ends of lines.
async def {name}(response: {httpx}.Response):
    rest = b""
    async for chunk in response.aiter_bytes():
        lines = (rest + chunk).splitlines(keepends=True)
        rest = b"" if lines[-1].endswith((b"\\r", b"\\n")) else lines.pop()
        for line in lines:
            yield line.rstrip(b"\\r\\n")
    if rest:
        yield rest
"""

NO_STORE = "{jar}({policy}(allowed_domains=[]))"

_UNLIMITED = ("limits", "{httpx}.Limits(max_connections=None, max_keepalive_connections=20)")
_HTTPX: tuple[tuple[str, str], ...] = (_UNLIMITED, ("cookies", NO_STORE))
_REQUESTS: tuple[tuple[str, str], ...] = (
    ("timeout", "None"),
    ("follow_redirects", "True"),
    ("max_redirects", "30"),
    *_HTTPX,
    (
        "event_hooks",
        '{{\n        "request": [{request_hook}],\n        "response": [{response_hook}],\n    }}',
    ),
)

BASES: dict[str, tuple[tuple[str, str], ...]] = {
    "requests": _REQUESTS,
    "httpx": _HTTPX,
    "httpx with cookies": (
        *_HTTPX,
        ("event_hooks", '{{"request": [{send_hook}], "response": [{keep_hook}]}}'),
    ),
    "urllib": (("timeout", "None"), ("follow_redirects", "True"), ("max_redirects", "10"), *_HTTPX),
    "httpx with one jar": (_UNLIMITED,),
    "as it is": (),
}
"""The settings of clients that behave as `requests.get` does; as `httpx.get` does; likewise, where cookies matter to
redirects or to calls that belong together; as one client of httpx does, which keeps all cookies; and as
their settings say, which are all that they have."""

LIFESPAN = """\
@{decorator}
async def {name}(app: {app_class}):
{body}
"""
WRAPPER = """\
# The lifespan that the app has anyway, with its start-up and shutdown handlers, runs
# within this one.
def {name}(inner):
    @{decorator}
    async def lifespan(app: {app_class}):
{body}

    return lifespan
"""


def quoted(text: str) -> str:
    """A string literal, as part of a template."""
    plain = '"' not in text and "\\" not in text and text.isprintable()
    return (f'"{text}"' if plain else repr(text)).replace("{", "{{").replace("}", "}}")
