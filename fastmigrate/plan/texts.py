"""The code that is written once per app: short, and with one comment that says why it is there.

Measured in docs/facts/requests-to-httpx.md: redirects 10.1 and 10.5, timeouts 9.1, cookies 7.1 and 7.5 to 7.6, the
pool 12.2, the length of an empty body 1.3, text without a charset 14.1.
"""

from __future__ import annotations

__all__ = ["LIFESPAN", "MANAGER", "PROMISES"]

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

MANAGER = """\
{httpx}.AsyncClient(
    timeout=None,
    follow_redirects=True,
    max_redirects=30,
    limits={httpx}.Limits(max_connections=None, max_keepalive_connections=20),
    cookies={jar}({policy}(allowed_domains=[])),
    event_hooks={{
        "request": [{request_hook}],
        "response": [{response_hook}],
    }},
)"""

LIFESPAN = """\
@{decorator}
async def {name}(app: {app_class}):
    async with {manager} as {client}:
        yield {{"{key}": {client}}}
"""
