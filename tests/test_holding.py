"""What is not fixed safely, and the reason that the user reads."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import indent

import pytest

from tests.projects import findings, only, project
from tests.run import fastmigrate

APP = """
import os, threading
import requests
from fastapi import FastAPI, Request, Query, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
app = FastAPI()
TABLE = {}
LOCK = threading.Lock()
IS_STRICT = os.getenv("STRICT", "1") == "1"
DIGEST = requests.auth.HTTPDigestAuth("u", "p")
PAIR, TIMEOUT = ("u", "p"), 5
class Token(requests.auth.AuthBase):
    def __call__(self, r):
        r.headers["X-Token"] = "t"
        return r
TOKEN = Token()
def numbered(r):
    r.headers["X-Number"] = len(TABLE)
    return r
class Signed(requests.auth.AuthBase):
    def __call__(self, r):
        r.headers["X-Length"] = len(r.body)
        return r
class Model(BaseModel):
    a: str
    b: int | None = None
def clock(name): ...
class Waiting:
    def __enter__(self): ...
    def __exit__(self, kind, error, trace): return issubclass(kind, requests.RequestException)
def unwrap(v):
    if n: return unwrap(v[0])
    if v: return unwrap(v["value"])
    return unwrap(v)
@app.get("/")
async def f(
    request: Request, upload: UploadFile, u: str, n: int = 1, q: str | None = None, flag: bool = False, any=None
):
"""

HELD = {
    "stream": ("requests.get(u, stream=True)", "streamed"),
    "verify of an argument": ("requests.get(u, verify=flag)", "literals and module constants"),
    "verify of a path": ("import pathlib\nrequests.get(u, verify=pathlib.Path('x'))", "`verify` belongs to a client"),
    "cert of an argument": ("requests.get(u, cert=(u, 'k.pem'))", "`cert` belongs to a client"),
    "cert beside verify": ("requests.get(u, cert='c.pem', verify='ca.pem')", "httpx ignores one of them"),
    "proxies of an argument": ("requests.get(u, proxies={'http': u})", "`proxies` belongs to a client"),
    "unknown proxies": ("requests.get(u, proxies=any)", "what `proxies` holds is not known"),
    "proxies with exceptions": ("requests.get(u, proxies={'http': 'http://p', 'no_proxy': 'x'})", "what `proxies`"),
    "reassigned constant": (
        "global IS_STRICT\nIS_STRICT = flag\nrequests.get(u, verify=IS_STRICT)",
        "`verify` belongs",
    ),
    "conditional proxies": (
        "p = {}\nif flag:\n    p['http'] = 'http://p'\nrequests.get(u, proxies=p)",
        "what `proxies` holds is not known",
    ),
    "a header of its own that is None": (
        "requests.get(u, headers={'Accept': None})",
        "`None` takes out a header that requests sends by itself",
    ),
    "hooks": ("requests.get(u, hooks={'response': any})", "`hooks` belong to a client"),
    "upload": ("requests.post(u, files={'f': upload})", "an UploadFile itself"),
    "text file": ("requests.post(u, files={'f': open('x')})", 'open it with `"rb"`'),
    "text file as body": ("with open('x') as x:\n    requests.post(u, data=x)", 'open it with `"rb"`'),
    "star": ("requests.get(u, *any)", "`*` arguments"),
    "unknown spread": ("requests.get(u, **any)", "`**` arguments"),
    "renamed in a spread": ("o = {'allow_redirects': False}\nrequests.get(u, **o)", "hold `allow_redirects`"),
    "given twice": ("o = {'timeout': 5}\nrequests.get(u, timeout=4, **o)", "`timeout` is given twice"),
    "generator body": ("requests.post(u, data=(x.encode() for x in u))", "`data` is a generator"),
    "text beside files": ("requests.post(u, data='a', files={'f': (None, 'x')})", "`data` is text beside `files`"),
    "digest elsewhere": ("requests.get(u, auth=DIGEST)", "an HTTPDigestAuth that is made elsewhere"),
    "pairs beside headers": ("requests.post(u, data=[('a', 1), ('a', 2)], headers=any)", "needs a Content-Type"),
    "own set": ("requests.get(u, params={'a'})", "`params` is not known to be a dict"),
    "own query": ("requests.get('http://x/?a=1', params={'b': q})", "the URL has a query"),
    "own query and fragment": ("requests.get('http://x/?a=1#b', params={'b': n})", "the URL has a query"),
    "query of two": (
        "v = 'http://x/?a=1' if flag else 'http://x/'\nrequests.get(v, params={'b': n})",
        "the URL has a query",
    ),
    "wrong timeout": ("requests.get(u, timeout=True)", "a value that requests refuses"),
    "auth object": ("requests.get(u, auth=any)", "not a (user, password) pair"),
    "generator": ("sum(len(requests.get(x).text) for x in u)", "generator expression"),
    "returned": ("return requests.get(u)", "the response is returned"),
    "passed on": ("r = requests.get(u); print(r)", "the response is passed to `print`"),
    "aliased and passed on": ("r = requests.get(u)\ns = r\nany(s)", "the response is passed to `any`"),
    "looped over": ("for line in requests.get(u): pass", "iterated over"),
    "guessed encoding": ("requests.get(u).apparent_encoding", "httpx does not guess encodings"),
    "unknown member": ("requests.get(u).no_such_thing", "`response.no_such_thing`"),
    "used value": ("x = requests.get(u).raise_for_status()", "what `raise_for_status()` gives is used"),
    "something else": ("r = requests.get(u) if n else any\nreturn r.ok", "may be something else"),
    "certificates": (
        "try:\n    requests.get(u)\nexcept requests.exceptions.SSLError:\n    pass",
        "httpx raises `ConnectError` for it",
    ),
    "number of an OSError": (
        "try:\n    requests.get(u)\nexcept requests.RequestException as e:\n    return e.errno",
        "reads `errno` from the error",
    ),
    "request of an error": (
        "try:\n    requests.get(u)\nexcept requests.RequestException as e:\n    return e.request.url",
        "reads `request` from the error",
    ),
    "named classes": (
        "errors = (requests.Timeout, KeyError)\ntry:\n    requests.get(u)\nexcept errors:\n    pass",
        "names its classes by a name of its own",
    ),
    "error's response passed on": (
        "try:\n    requests.get(u)\nexcept requests.RequestException as e:\n    clock(e.response)",
        "passed to `clock`",
    ),
    "response that is entered by its name": ("r = requests.get(u)\nwith r: pass", "entered by `with`"),
    "error's response of two kinds": (
        "try:\n    r = requests.get(u)\n    r.raise_for_status()\n    any(u)\n"
        "except requests.HTTPError as e:\n    return e.response.ok",
        "may still be one of requests",
    ),
    "suppressed by another name": (
        "from contextlib import suppress as s\nwith s(OSError):\n    requests.get(u)",
        "suppressed around it",
    ),
    "waiting context manager": ("with Waiting():\n    requests.get(u)", "the context manager around it waits"),
    "nested function": (
        "r = requests.get(u)\ndef parse(): return r.json()\nreturn parse()",
        "stands in a nested function",
    ),
    "cookies of a domain": ("return requests.get(u).cookies.get_dict('x')", "`response.cookies`"),
    "members of its headers": ("return requests.get(u).headers.lower_items()", "`response.headers`"),
    "entered into an attribute": ("with requests.get(u) as any.r: pass", "entered by `with`"),
    "classes by another name": (
        "errors = (requests.Timeout,)\ntry:\n    requests.get(u)\n"
        "except Exception as e:\n    return isinstance(e, errors)",
        "names its classes by a name of its own",
    ),
    "lock": ("with LOCK:\n    requests.get(u)", "a thread lock is held"),
}

HELD |= {
    "acquired lock": ("LOCK.acquire()\nrequests.get(u)\nLOCK.release()", "a thread lock is held"),
    "lock by its name": ("with any.lock_for(u):\n    requests.get(u)", "a thread lock is held"),
    "list handed on": ("rs = [requests.get(x) for x in u]\nclock(rs)", "kept in a list that is passed to `clock`"),
    "zipped list": ("rs = [requests.get(x) for x in u]\nreturn [r.ok for n, r in zip(u, rs)]", "passed to `zip`"),
    "data and json": ("requests.post(u, data=any, json={})", "`data` and `json` together"),
    "auth that reads the body": ("requests.get(u, auth=Signed())", "an auth object of requests may not work"),
    "timeout of urllib3": ("import urllib3\nrequests.get(u, timeout=urllib3.Timeout(5))", "an object of urllib3"),
    "trailing space": ("requests.get(u, headers={'X-A': 'a '})", "ends in a space"),
    "Latin-1 among others": (
        "h = {'X-A': 'é', 'X-B': q}\nrequests.get(u, headers=h)",
        "not ASCII",
    ),
    "history": ("return [hop.ok for hop in requests.get(u).history]", "`response.history`"),
    "late encoding": (
        "r = requests.get(u)\nprint(r.text)\nr.encoding = 'utf-8'",
        "when the text has been read already",
    ),
    "encoding in a loop": (
        "r = requests.get(u)\nfor x in u:\n    r.encoding = x\n    print(r.text)",
        "when the text has been read already",
    ),
    "global response": ("global LAST\nLAST = requests.get(u)", "stored in `LAST`"),
    "f-string": ("r = requests.get(u)\nreturn f'{r.status_code=}'", "shown with its own code"),
    "locals": ("x = requests.get(u).text\nreturn locals()", "looks at its own names"),
    "own isinstance": ("isinstance = any\nrequests.get(u, params={'a': flag})", "`isinstance` has another meaning"),
    "stream without a block": ("n = len(requests.get(u, stream=True).raw.read(3))", "open it by `with`"),
    "stream behind a semicolon": ("r = requests.get(u, stream=True); return r.ok", "open it by `with`"),
    "stream without a return": (
        "r = requests.get(u, stream=True)\nif r.ok:\n    return StreamingResponse(r.iter_content(9))",
        "without closing the response",
    ),
    "stream in a loop": (
        "for x in u:\n    r = requests.get(x, stream=True)\n    if n: continue\n    return StreamingResponse(r.raw)",
        "without closing the response",
    ),
    "stream that may be open": (
        "if n:\n    r = requests.get(u, stream=True)\n    if r.ok:\n        return StreamingResponse(r.raw)\nreturn n",
        "without closing the response",
    ),
    "stream in an answer that is returned elsewhere": (
        "r = requests.get(u, stream=True)\nx = any\nif r.ok:\n    x = StreamingResponse(r.raw)\nreturn x",
        "is returned elsewhere",
    ),
    "stream with another name": (
        "r = requests.get(u, stream=True)\nif n: return StreamingResponse(r.raw)\nr = any\nreturn r",
        "before the response is closed",
    ),
    "streamed answer on a condition": (
        "r = requests.get(u, stream=True)\nreturn StreamingResponse(r.raw) if r.ok else n",
        "use an `if` statement",
    ),
    "task beside a streamed answer": (
        "r = requests.get(u, stream=True)\nreturn StreamingResponse(r.raw, background=any)",
        "has a background task already",
    ),
    "entered beside others": ("with requests.get(u) as r, open(u) as f:\n    return r.text", "a block of its own"),
    "part of a raw stream": ("with requests.get(u, stream=True) as r:\n    return r.raw.read(5)", "`response.raw`"),
    "time of a stream": ("with requests.get(u, stream=True) as r:\n    return r.elapsed", "`elapsed`"),
    "cookies of a domain": ("return requests.get(u).cookies.get_dict('x')", "`response.cookies`"),
    "negative timeout": ("requests.get(u, timeout=-1)", "a value that requests refuses"),
}

UNSAFE = {
    "unknown timeout": ("requests.get(u, timeout=any)", "`timeout` is not known to be a number"),
    "unknown params": ("requests.get(u, params=any)", "what `params` holds is not known"),
    "unknown value": ("requests.get(u, params={'a': any.b})", "a type that is not known"),
    "unknown data": ("requests.post(u, data=any)", "what `data` holds is not known"),
    "copied headers": ("return dict(requests.get(u).headers)", "lower case"),
    "elapsed": ("return requests.get(u).elapsed", "`elapsed`"),
    "nested comprehension": ("return [[requests.get(x).text for x in u] for y in u]", "Python 3.11"),
    "stale state": ("n = TABLE['n']\nrequests.get(u)\nTABLE['n'] = n + 1", "`TABLE` is read before the call"),
    "counter": ("global TOTAL\nTOTAL += requests.get(u).status_code", "`TOTAL` is read before the call"),
    "error handed on": (
        "try:\n    requests.get(u)\nexcept Exception as e:\n    abort(e)",
        "hands the error on in line",
    ),
    "error kept": ("try:\n    requests.get(u)\nexcept Exception as e:\n    n = e", "hands the error on in line"),
    "class of an error": (
        "try:\n    requests.get(u)\nexcept Exception as e:\n    return type(e) is KeyError",
        "asks for the class of the error",
    ),
    "tested text": (
        "try:\n    requests.get(u)\nexcept Exception as e:\n    return 'timed out' in str(e)",
        "tests the text of the error",
    ),
    "error that may have a response": (
        "try:\n    requests.get(u)\nexcept Exception as e:\n    return hasattr(e, 'response')",
        "whether the error has a `response`",
    ),
    "text of a URL with the caller's part": ("return requests.get(f'http://x/{u}').url", "to the URL of a bare host"),
    "breaking off": (
        "try:\n    requests.get(u)\nexcept requests.exceptions.ChunkedEncodingError:\n    pass",
        "when an answer breaks off",
    ),
    "unknown classes": ("try:\n    requests.get(u)\nexcept any:\n    pass", "catches is not known"),
    "text of a bare URL": ("return requests.get(u).url", "to the URL of a bare host"),
}

UNSAFE |= {
    "params text": ("requests.get('http://x', params=u)", "`params` is text"),
    "mixed pairs": ("requests.get('http://x', params=[(k, n) for k in u])", "side by side"),
    "growing query": (
        "d = {}\nif flag:\n    d['a'] = n\nrequests.get('http://x', params=d.items() or any)",
        "not known",
    ),
    "unknown cookies": ("requests.get(u, cookies=any)", "what `cookies` holds"),
    "cookie of a number": ("requests.get(u, cookies={'a': n})", "what `cookies` holds"),
    "auth that sets a number": ("requests.get(u, auth=numbered)", "sends numbers there"),
    "SOCKS": ("requests.get(u, proxies={'https': 'socks5://p'})", "`httpx[socks]`"),
    "CA folder": ("requests.get(u, verify='/etc/certs')", "if `verify` is a folder"),
    "proxy without a scheme": (
        "requests.get(u, proxies={'http': os.environ['P'], 'https': os.environ['P']})",
        "without `http://`",
    ),
    "content": ("requests.post(u, files={'f': b'x'})", "a part has no Content-Type"),
    "named content": ("requests.post(u, files={'f': ('f.txt', b'x')})", "a part has no Content-Type"),
    "open file": ("requests.post(u, files={'f': open('x', 'rb')})", "a part has no Content-Type"),
    "type of an upload": (
        "requests.post(u, files={'f': (upload.filename, upload.file, upload.content_type)})",
        "if the Content-Type of a part is None",
    ),
    "read before": (
        "b = await upload.read()\np = {'f': ('a', upload.file, 'a/b')}\nrequests.post(u, files=p)",
        "has been read already",
    ),
    "unknown part": ("requests.post(u, files={'f': any})", "a part of `files` is not known"),
    "unknown files": ("requests.post(u, files=any)", "what `files` holds is not known"),
    "list beside files": (
        "requests.post(u, data={'a': any}, files={'f': (None, 'x')})",
        "takes nothing but text, bytes and numbers",
    ),
    "unknown pairs": ("p = []\np.append(any)\nrequests.post(u, data=p)", "what the pairs of `data` hold"),
    "unknown query": ("requests.get(u, params={'a': n})", "if the URL has a query of its own"),
    "unknown part of a URL": ("requests.get(f'http://x/{u}', params={'a': n})", "if the URL has a query of its own"),
    "odd URL": ("requests.get('http://x/?f[a]=50%')", "characters that requests escapes"),
    "signed JSON": ("import json\nd = {'a': n}\ns = json.dumps(d)\nrequests.post(u, json=d)", "for a signature"),
    "grown dict": ("d = TABLE\nd['a'] = any\nrequests.get('http://x', params=d)", "a type that is not known"),
    "alias": ("d = {}\ne = d\ne['a'] = any\nrequests.get('http://x', params=d)", "a type that is not known"),
    "two items": ("d = {}\nd['a'], d['b'] = any, None\nrequests.get('http://x', params=d)", "a type that is not known"),
    "bytes key": ("requests.get('http://x', params={b'a': 'b'})", "a type that is not known"),
    "unknown password": ("requests.get(u, auth=(u, any))", "`auth` holds a value of a type that is not known"),
    "app state": ("s = request.app.state\nn = s.n\nx = requests.get(u).text\ns.n = n + x", "`s.n` is read before"),
    "looped over": ("TABLE.update(a=1)\nfor x in TABLE:\n    requests.get(x)", "the loop around it runs over `TABLE`"),
    "queue": ("requests.post(u, json=TABLE)\nTABLE.clear()", "`TABLE` is read before the call"),
    "recursion": ("requests.get('http://x', params={'a': unwrap(u)})", "a type that is not known"),
    "branches": (
        "\n".join(f"if n == {i}: u = u + '{i}'\nelif flag: u = u + q + u" for i in range(12))
        + "\nrequests.get(u, params={'a': n})",
        "if the URL has a query of its own",
    ),
    "stale test": (
        "if TABLE['n'] > 3:\n    return\nrequests.get(u)\nTABLE['n'] += 1",
        "`TABLE` is read before the call and written after it",
    ),
    "size of pieces": (
        "with requests.get(u, stream=True) as r:\n    return [len(c) for c in r.iter_content(9)]",
        "the pieces in line",
    ),
    "break by size": (
        "s = b''\nwith requests.get(u, stream=True) as r:\n    for c in r.iter_content(9):\n        s += c\n"
        "        if len(s) > n: break\nreturn s",
        "the pieces in line",
    ),
    "progress": (
        "with requests.get(u, stream=True) as r:\n    for c in r.iter_content(9):\n        n += len(c)\n"
        "        print(n)",
        "the pieces in line",
    ),
    "error that with has closed": (
        "try:\n    with requests.get(u, stream=True) as r:\n        r.raise_for_status()\n"
        "except requests.HTTPError as e:\n    return e.response.text",
        "reads an answer that `with` has closed",
    ),
    "state through get": ("n = TABLE.get(u)\nx = requests.get(u).text\nTABLE.update({u: n + x})", "`TABLE` is read"),
}

SAFE = {
    "ValueError": "try:\n    requests.get(u)\nexcept ValueError:\n    pass",
    "entered by with": "with requests.get(u) as r:\n    return r.text",
    "error shown": (
        "try:\n    requests.get(u)\nexcept Exception as e:\n    print(e, type(e).__name__, '%s' % e, '%s %s' % (n, e))"
        "\n    raise ValueError(u) from e"
    ),
    "text of a literal URL": "return requests.get('http://x:8000/y').url",
    "status by its name": (
        "try:\n    requests.get(u)\nexcept Exception as e:\n    return getattr(e.response, 'status_code', 3)"
    ),
    "handled": "try:\n    requests.get(u)\nexcept requests.RequestException:\n    pass",
    "handler of a read": "r = requests.get(u)\ntry:\n    r.raise_for_status()\nexcept requests.HTTPError:\n    pass",
    "OSError": "try:\n    requests.get(u)\nexcept (KeyError, OSError):\n    pass",
    "suppressed": "import contextlib\nwith contextlib.suppress(OSError):\n    requests.get(u)",
    "error's response": "try:\n    requests.get(u)\nexcept Exception as e:\n    return e.response is None",
    "asked error": "try:\n    requests.get(u)\nexcept Exception as e:\n    return isinstance(e, requests.Timeout)",
    "cookies": "requests.get(u, cookies={'sid': q, 'b': 'c'})",
    "cookies of the request": "requests.get(u, cookies=request.cookies)",
    "verify": "requests.get(u, verify=False)",
    "CA file": "requests.get(u, verify='ca.pem')",
    "CA setting": "requests.get(u, verify=IS_STRICT)",
    "certificate": "requests.get(u, cert=('c.pem', 'k.pem'))",
    "proxies": "requests.get(u, proxies={'http': 'http://p', 'https': 'http://p'}, verify=False)",
    "no proxies": "requests.get(u, proxies={'http': None, 'https': None})",
    "typed parts": "requests.post(u, files={'f': ('a.txt', b'x', 'a/b'), 'g': (None, u)}, data={'a': q, 'b': flag})",
    "read before": "b = await upload.read()\nrequests.post(u, files={'f': ('a', upload.file, 'a/b')})",
    "list of pairs": "requests.post(u, data=[('a', 'b')])",
    "repeated pairs": "requests.post(u, data=[('a', 'b'), ('a', q)], headers={'X-A': 'b'})",
    "file": "with open('x', 'rb') as x:\n    requests.post(u, data=x)",
    "bytearray": "requests.post(u, data=bytearray(b'x'))",
    "form of the request": "form = await request.form()\nrequests.post(u, data=form)",
    "data and json": "requests.post(u, data=q, json={})",
    "query text": "requests.get('http://x', params='a=1&b=x.y')",
    "own query": "requests.get('http://x/?a=1', params={'b': n})",
    "query params": "requests.get('http://x', params=request.query_params)",
    "forwarded headers": "requests.get(u, headers=dict(request.headers))",
    "forwarded copy": "requests.post(u, json=1, headers={k: v for k, v in request.headers.items() if k != 'host'})",
    "forwarded with more": "requests.get(u, headers={**request.headers, 'X-A': 'b'})",
    "Latin-1 header": "requests.get(u, headers={'X-A': 'é', 'X-B': q})",
    "header that neither can send": "requests.get(u, headers={'X-A': '日'})",
    "auth object": "requests.get(u, auth=TOKEN)",
    "auth pair of the module": "requests.get(u, auth=PAIR)",
    "timeout of the module": "requests.get(u, timeout=TIMEOUT)",
    "spread": "o = {'timeout': 5, 'headers': {'X-A': 'b'}}\nrequests.get(u, **o)",
    "model": "requests.post(u, data=Model(a=u).model_dump(exclude_none=True))",
    "list of texts": "requests.get('http://x', params={'a': [str(x) for x in u]})",
    "timeouts": "requests.get(u, timeout=float(os.environ['T']))",
    "ValueError of a good URL": "try:\n    requests.get('http://x/' + u).json()\nexcept ValueError:\n    pass",
    "broad handler": "try:\n    requests.get(u).json()\nexcept Exception as e:\n    pass",
    "cache": "if u not in TABLE:\n    TABLE[u] = requests.get(u).json()\nreturn TABLE[u]",
    "compared with None": "r = None\nif n:\n    r = requests.get(u)\nreturn r is not None and r.json()",
    "two on a line": "r = requests.get(u)\nr.raise_for_status(); print(1)",
    "number in a URL": "requests.get(f'http://x/{n}', params={'a': n})",
    "setting in a URL": "requests.get(os.environ['X'] + '/y', params={'a': n, 'b': ['c', 1]})",
    "query of the request": "requests.get('http://x', params={'a': request.query_params.get('b')})",
    "own state": "x = n\nr = requests.get(u)\nrequest.state.x = x\nreturn r.text",
    "dict made of its own items": "\n".join(
        ["d = {'a': n}", *(f"d['k{i}'] = d['a'] + d['k{i - 1}']" for i in range(1, 12)), "requests.post(u, json=d)"]
    ),
    "walrus": "if (r := requests.get(u)).status_code != 2 or not (s := requests.get(u)).ok:\n    return r.text, s.text",
    "numbers": "page = 1\npage += 2\nrequests.get('http://x', params={'a': page * 2, 'b': n - 1})",
    "number of a loop": "for page in range(3):\n    requests.get('http://x', params={'a': page, 'b': u.strip()[:5]})",
    "dict by its function": "requests.get('http://x', params=dict(a=n, b=u))",
    "setting with a default": "requests.get(os.getenv('X', 'http://x') + '/y', params={'a': n})",
    "context manager that sounds like a lock": "with clock('unlock'):\n    requests.get(u)",
    "counted history": "return len(requests.get(u).history)",
    "list of responses": "rs = [requests.get(x) for x in u]\nreturn [r.json() for r in rs if r.ok], rs[0].reason",
    "grown list": "rs = []\nfor x in u:\n    rs.append(requests.get(x))\nfor r in rs:\n    print(r.text)",
    "unpacked": "a, b = requests.get(u), requests.get(u)\nreturn a.reason, b.ok",
    "text that was a dict": (
        "import json\nd = {'a': any}\nd['b'] = any\nd.update(c=any)\nd = json.dumps(d)\nrequests.post(u, data=d)"
    ),
    "part of itself": "d = {'a': {}}\nd = d['a']\nd['b'] = n\nrequests.post(u, json=d)",
    "reused name": "r = requests.get(u)\nr = r.json()\nreturn r",
    "loop": "while True:\n    r = requests.get(u)\n    if r.ok:\n        break\nreturn r.text",
    "stream": "r = requests.get(u, stream=True)\nif not r.ok: return r.status_code\nreturn r.text",
    "limited stream": "s = b''\nk = 0\nwith requests.get(u, stream=True) as r:\n    for c in r.iter_content(9):\n"
    "        s += c\n        k += len(c)\n        if k > n:\n            raise ValueError\nreturn s",
    "lines of pieces": "s = b''\nl = []\nwith requests.get(u, stream=True) as r:\n    for c in r.iter_content(9):\n"
    "        s += c\n        while b'n' in s:\n            x, s = s.split(b'n', 1)\n            l.append(x)\nreturn l",
    "stream that is read where it stands": "return requests.get(u, stream=True).json()",
    "stream beside a file": "with open(u) as f, requests.get(u, stream=True) as r:\n    return r.text",
    "two streams": "r = requests.get(u, stream=True)\ns = requests.get(u, stream=True)\nreturn r.text + s.text",
    "kept answer": "r = requests.get(u, stream=True)\nx = StreamingResponse(r.raw)\nx.headers['a'] = u\nreturn x",
    "stream that a match hands on": "r = requests.get(u, stream=True)\nmatch r.status_code:\n    case 200:\n"
    "        return StreamingResponse(r.raw)\n    case _:\n        raise ValueError",
    "finally": "r = None\ntry:\n    r = requests.get(u)\nfinally:\n    n = r.status_code if r else 0\nreturn n",
}


def body(code: str) -> str:
    return APP + indent(code, "    ") + "\n"


@pytest.mark.parametrize("name", HELD)
def test_held(name: str, tmp_path: Path) -> None:
    code, reason = HELD[name]
    fix = only(project(tmp_path, main=body(code)))["fix"]
    assert fix["applicability"] == "none"
    assert reason in fix["reason"]


@pytest.mark.parametrize("name", UNSAFE)
def test_unsafe(name: str, tmp_path: Path) -> None:
    code, reason = UNSAFE[name]
    fix = only(project(tmp_path, main=body(code)))["fix"]
    assert fix["applicability"] == "unsafe"
    assert reason in fix["reason"]


@pytest.mark.parametrize("name", SAFE)
def test_safe(name: str, tmp_path: Path) -> None:
    found = findings(project(tmp_path, main=body(SAFE[name])))
    assert [finding["fix"] for finding in found] == [{"applicability": "safe", "reason": None}] * len(found)
    assert len(found) == len(re.findall(r"requests\.[a-z]", SAFE[name]))


ROUTER = """
    import requests
    from fastapi import APIRouter
    router = APIRouter()
    @router.get("/")
    async def f(): return requests.get("http://x").json()
"""

APPS = {
    "no app": ("", "was not found with certainty"),
    "unknown app": (
        "import routes\nfrom elsewhere import app\napp.include_router(routes.router)",
        "was not found with certainty",
    ),
    "** arguments": (
        "from routes import router\nfrom fastapi import FastAPI\nfrom settings import options\n"
        "app = FastAPI(**options)\napp.include_router(router)",
        "made with `**` arguments",
    ),
    "class as lifespan": (
        "from routes import router\nfrom fastapi import FastAPI\nclass L: ...\napp = FastAPI(lifespan=L)\n"
        "app.include_router(router)",
        "is a class, not an `@asynccontextmanager`",
    ),
    "a lifespan of some library": (
        "from somewhere import life\nfrom routes import router\nfrom fastapi import FastAPI\n"
        "app = FastAPI(lifespan=life)\napp.include_router(router)",
        "is not a function of the project",
    ),
    "a yield that is used": (
        "from contextlib import asynccontextmanager\nfrom routes import router\nfrom fastapi import FastAPI\n"
        "@asynccontextmanager\nasync def life(app):\n    told = yield\n"
        "app = FastAPI(lifespan=life)\napp.include_router(router)",
        "does not have one `yield` statement",
    ),
    "replaced lifespan": (
        "from routes import router\nfrom fastapi import FastAPI\napp = FastAPI()\napp.include_router(router)\n"
        "app.router.lifespan_context = print",
        "`lifespan_context` is replaced",
    ),
    "no lifespan at all": (
        "from mangum import Mangum\nfrom routes import router\nfrom fastapi import FastAPI\napp = FastAPI()\n"
        "app.include_router(router)\nhandler = Mangum(app, lifespan='off')",
        "keeps its lifespan from running",
    ),
    "exception handler": (
        "import requests\nfrom routes import router\nfrom fastapi import FastAPI\napp = FastAPI()\n"
        "app.include_router(router)\n@app.exception_handler(requests.Timeout)\nasync def h(request, error): ...",
        "exception handler in main.py:6 waits for `requests.exceptions.Timeout`",
    ),
    "middleware": (
        "import requests\nfrom routes import router\nfrom fastapi import FastAPI\napp = FastAPI()\n"
        "app.include_router(router)\n@app.middleware('http')\nasync def m(request, call_next):\n"
        "    try:\n        return await call_next(request)\n    except requests.RequestException:\n        pass",
        "`m` in main.py:10 waits for",
    ),
    "mounted in a loop": (
        "from routes import router\nfrom fastapi import FastAPI\napp = FastAPI()\napp.include_router(router)\n"
        "class Server: ...\nServer(app)",
        "handed to `Server` in main.py:6",
    ),
    "in a dict": (
        "from routes import router\nfrom fastapi import FastAPI\napp = FastAPI()\napp.include_router(router)\n"
        "for path, child in [('/a', app)]: ...",
        "put into a list or dict in main.py:5",
    ),
    "lifespan or None": (
        "import os\nfrom contextlib import asynccontextmanager\n"
        "from routes import router\nfrom fastapi import FastAPI\n"
        "@asynccontextmanager\nasync def life(app):\n    yield\n"
        "app = FastAPI(lifespan=life if os.name else None)\napp.include_router(router)",
        "may be None",
    ),
    "referred to": (
        "from routes import router, f\nfrom fastapi import FastAPI\napp = FastAPI()\napp.include_router(router)\n"
        "JOBS = {'f': f}",
        "or referred to, in main.py:1",
    ),
    "called directly": (
        "from routes import router, f\nfrom fastapi import FastAPI\napp = FastAPI()\napp.include_router(router)\n"
        "async def again(): return await f()",
        "also called directly, or referred to, in main.py:5",
    ),
}


@pytest.mark.parametrize("name", APPS)
def test_held_for_the_sake_of_the_app(name: str, tmp_path: Path) -> None:
    main, reason = APPS[name]
    project(tmp_path, routes=ROUTER, main=main + "\n")
    fix = only(tmp_path)["fix"]
    assert fix["applicability"] == ("unsafe" if name in {"mounted in a loop", "in a dict"} else "none")
    assert reason in fix["reason"]


def test_a_decorator_that_may_lose_the_request_holds_the_fix(tmp_path: Path) -> None:
    code = ROUTER.replace("async def f", "@fixed\n    async def f") + "    from elsewhere import fixed\n"
    app = "from routes import router\nfrom fastapi import FastAPI\napp = FastAPI()\napp.include_router(router)\n"
    project(tmp_path, routes=code, main=app)
    assert "the decorator `fixed` may not hand" in only(tmp_path)["fix"]["reason"]

    project(tmp_path, routes=code.replace("f()", "f(request: Request)").replace("APIRouter\n", "APIRouter, Request\n"))
    assert only(tmp_path)["fix"]["applicability"] == "safe"

    own = "from functools import wraps\ndef fixed(f):\n    @wraps(f)\n    async def inner(*args, **kwargs):\n"
    project(tmp_path, routes=code, elsewhere=own + "        return await f(*args, **kwargs)\n    return inner\n")
    assert only(tmp_path)["fix"]["applicability"] == "safe"


MOUNTED = {
    "by a function": "def attach(p: FastAPI, c: FastAPI): p.mount('/in', c)\nattach(app, inner)",
    "by a function that makes the app on top": (
        "def build(c):\n    outer = FastAPI()\n    outer.mount('/in', c)\n    return outer\napp = build(inner)"
    ),
    "in a middleware": "from starlette.middleware.gzip import GZipMiddleware\napp.mount('/in', GZipMiddleware(inner))",
    "in a middleware with a name": (
        "from starlette.middleware.gzip import GZipMiddleware\nw = GZipMiddleware(app=inner)\napp.mount('/in', w)"
    ),
    "out of a dict": "for path, one in {'/in': inner}.items(): app.mount(path, one)",
}


@pytest.mark.parametrize("name", MOUNTED)
def test_the_app_on_top_gets_the_client(name: str, tmp_path: Path) -> None:
    main = "from routes import router\nfrom fastapi import FastAPI\ninner = FastAPI()\ninner.include_router(router)\n"
    main += f"app = FastAPI()\n{MOUNTED[name]}\n"
    project(tmp_path, routes=ROUTER, main=main)
    assert only(tmp_path)["fix"]["applicability"] in {"safe", "unsafe"}
    fastmigrate("--fix", "--unsafe-fixes", cwd=tmp_path)
    migrated = (tmp_path / "main.py").read_text()
    assert "inner = FastAPI()\n" in migrated
    assert "= FastAPI(lifespan=lifespan)\n" in migrated


def test_an_app_may_be_called_like_the_package_that_its_module_imports(tmp_path: Path) -> None:
    main = "import app.models\nfrom app.routes import router\nfrom fastapi import FastAPI\napp = FastAPI()\n"
    main += "app.include_router(router)\n"
    project(tmp_path, app____init__="", app__models="", app__routes=ROUTER, app__main=main)
    assert only(tmp_path)["fix"]["applicability"] == "safe"


def test_calls_that_share_a_read_are_fixed_together_or_not_at_all(tmp_path: Path) -> None:
    code = "r = requests.get(u)\nif flag:\n    r = requests.get(u, timeout=True)\nreturn r.ok"
    first, second = findings(project(tmp_path, main=body(code)))
    assert second["fix"]["reason"].startswith("`timeout` has a value that requests refuses")
    assert first["fix"]["reason"] == f"main.py:{second['line']}: {second['fix']['reason']}"


@pytest.mark.parametrize(
    ("wrapper", "applicability"),
    [("from starlette.middleware.cors import CORSMiddleware as W", "safe"), ("from elsewhere import W", "none")],
)
def test_an_app_that_is_wrapped_under_its_own_name(wrapper: str, applicability: str, tmp_path: Path) -> None:
    code = f"{wrapper}\n{body('return requests.get(u).json()')}\napp = W(app, allow_origins=['*'])\n"
    fix = only(project(tmp_path, main=code))["fix"]
    assert fix["applicability"] == applicability


def test_a_name_of_a_comprehension_or_a_lambda_is_no_path_operation(tmp_path: Path) -> None:
    operation = "import requests\nfrom fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\nasync def item():\n"
    others = "ITEMS = [item for item in (1, 2)]\ndef key(items): return sorted(items, key=lambda item: item.n)\n"
    project(tmp_path, main=operation + "    return requests.get('http://x').json()\n" + others)
    assert [finding["fix"]["applicability"] for finding in findings(tmp_path)] == ["safe"]
