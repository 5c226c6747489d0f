"""The code that is written once per app: short, and with one comment that says why it is there.

Measured in docs/facts/requests-to-httpx.md: redirects 10.1 and 10.5, timeouts 9.1, cookies 7.1 and 7.5 to 7.6, the
pool 12.2, the length of an empty body 1.3, text without a charset 14.1.
"""

from __future__ import annotations

__all__ = ["LIFESPAN", "LINE_READER", "NO_STORE", "PROMISES", "REQUESTS_SETTINGS", "quoted"]

PROMISES = """\
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

REQUESTS_SETTINGS: tuple[tuple[str, str], ...] = (
    ("timeout", "None"),
    ("follow_redirects", "True"),
    ("max_redirects", "30"),
    ("limits", "{httpx}.Limits(max_connections=None, max_keepalive_connections=20)"),
    ("cookies", NO_STORE),
    (
        "event_hooks",
        '{{\n        "request": [{request_hook}],\n        "response": [{response_hook}],\n    }}',
    ),
)
"""The settings of a client that behaves as `requests.get` and its like do."""

LIFESPAN = """\
@{decorator}
async def {name}(app: {app_class}):
{body}
"""


def quoted(text: str) -> str:
    """A string literal, as part of a template."""
    plain = '"' not in text and "\\" not in text and text.isprintable()
    return (f'"{text}"' if plain else repr(text)).replace("{", "{{").replace("}", "}}")
