"""The functions of requests and their parameters, each with its form on an `httpx.AsyncClient`."""

from __future__ import annotations

from msgspec import Struct

from fastmigrate.knowledge.parity import Parity, Row

__all__ = ["ARGUMENTS", "DICTS", "FORM_TYPE", "FUNCTIONS", "LISTS", "Verb"]

EXACT, PINNED, LOSSY, NONE = Parity.EXACT, Parity.PINNED, Parity.LOSSY, Parity.NONE


class Verb(Struct, frozen=True):
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

_IS_BOOL = "str(v) if isinstance(v, bool) else v"
DICTS = {
    "plain": "{}",
    "none": "{{k: v for k, v in {}.items() if v is not None}}",
    "bool": f"{{{{k: {_IS_BOOL} for k, v in {{}}.items()}}}}",
    "none, bool": f"{{{{k: {_IS_BOOL} for k, v in {{}}.items() if v is not None}}}}",
}
_PAIRS = {case: form.replace("{}.items()", "{}") for case, form in DICTS.items()} | {"plain": "dict({})"}
LISTS = {
    "plain": "{}",
    "none": "[(k, v) for k, v in {} if v is not None]",
    "bool": f"[(k, {_IS_BOOL}) for k, v in {{}}]",
    "none, bool": f"[(k, {_IS_BOOL}) for k, v in {{}} if v is not None]",
}
"""What a dict, pairs of different names, and pairs of any names become, by the kinds of values beside plain ones."""

FORM_TYPE = ("Content-Type", "application/x-www-form-urlencoded")
"""The header that requests adds to an encoded form, and httpx adds to `data` alone."""

_UNKNOWN_VALUES = (
    "a value of `{parameter}` has a type that is not known: requests sends lists with `None`, `str` enums and bytes "
    "differently; an annotation makes the fix safe"
)
_VARYING = "`{parameter}` belongs to a client in httpx, not to a call: {wanted} are known when the app starts"
_PART_TYPE = "a part has no Content-Type in requests, and one that is guessed from its filename in httpx; "


def _fields(parameter: str, facts: dict[str, str]) -> dict[tuple[str, str], Row]:
    """The rows of `params` or `data`: a dict, and pairs of which each has a name of its own."""
    rows = {
        (parameter, case): Row(EXACT if case == "plain" else PINNED, form, facts[case]) for case, form in DICTS.items()
    }
    rows |= {
        (parameter, f"pairs, {case}"): Row(PINNED, form, f"{facts['pairs']}; {facts[case]}")
        for case, form in _PAIRS.items()
    }
    unknown = _UNKNOWN_VALUES.format(parameter=parameter)
    rows[parameter, "unknown"] = Row(LOSSY, DICTS["none, bool"], facts["unknown"], unknown)
    rows[parameter, "pairs, unknown"] = Row(LOSSY, _PAIRS["none, bool"], facts["unknown"], unknown)
    return rows


ARGUMENTS: dict[tuple[str, str], Row] = {
    ("method", "text"): Row(EXACT, "{}", "1.8, 1.9"),
    ("url", "text"): Row(EXACT, "{}", "1.1, 1.11"),
    ("url", "odd"): Row(
        LOSSY, "{}", "20", "the URL has characters that requests escapes, or unescapes, and httpx sends as they are"
    ),
    ("url", "object"): Row(PINNED, "str({})", "1.13"),
    ("url", "bytes"): Row(PINNED, "{}.decode()", "1.12"),
    ("json", "any"): Row(EXACT, "{}", "4.3, 4.4, 4.7, 4.8"),
    ("json", "dumped"): Row(
        LOSSY,
        "{}",
        "4.1, 4.2",
        "what `json` sends is also made with `json.dumps` here, for a signature perhaps: httpx spaces it differently",
    ),
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
    ("timeout", "object"): Row(
        NONE, "", "9.11", "`timeout` is an object of urllib3, which httpx refuses: give a number or a pair"
    ),
    ("timeout", "wrong"): Row(NONE, "", "9.9, 9.10, 9.12", "`timeout` has a value that requests refuses"),
    ("allow_redirects", "any"): Row(EXACT, "follow_redirects={}", "10.4"),
    ("stream", "nothing"): Row(EXACT, "", "1.16"),
    ("stream", "true"): Row(PINNED, "", "16.1"),
    ("stream", "any"): Row(NONE, "", "16.1", "`stream` is not a constant: a streamed response is read in another way"),
    ("hooks", "nothing"): Row(EXACT, "", "1.16"),
    ("hooks", "any"): Row(
        NONE,
        "",
        "16.18 to 16.21",
        "`hooks` belong to a client in httpx, where they are coroutines that cannot replace the response: call them "
        "with the response instead",
    ),
}

# -- params

ARGUMENTS |= _fields(
    "params",
    {
        "plain": "2.1",
        "none": "2.2",
        "bool": "2.4",
        "none, bool": "2.2, 2.4",
        "pairs": "2.1",
        "unknown": "2.3, 2.5, 2.7, 2.8",
    },
)
ARGUMENTS |= {
    ("params", f"list of pairs, {case}"): Row(EXACT if case == "plain" else PINNED, form, "2.1, 2.2, 2.4")
    for case, form in LISTS.items()
}
ARGUMENTS |= {
    ("params", "nothing"): Row(EXACT, "{}", "2.16"),
    ("params", "list of pairs, unknown"): Row(
        LOSSY, LISTS["none, bool"], "2.3, 2.5, 2.7, 2.8", _UNKNOWN_VALUES.format(parameter="params")
    ),
    ("params", "list of mixed pairs"): Row(
        LOSSY,
        LISTS["none, bool"],
        "2.1a",
        "pairs of `params` that have the same name are sent side by side by httpx, and in their order by requests",
    ),
    ("params", "text"): Row(EXACT, "{}", "2.12, 2.15"),
    ("params", "odd text"): Row(
        LOSSY,
        "{}",
        "2.11 to 2.15",
        "`params` is text: httpx takes it apart and encodes it anew, with `+` for a space, `=` after a bare name, and "
        "values of the same name side by side; a dict makes the fix safe",
    ),
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
    ("params", "added to a query"): Row(PINNED, 'url={url} + "&" + urlencode({})', "2.17, 2.20"),
    ("params", "made a query"): Row(PINNED, 'url={url} + "?" + urlencode({})', "2.1a"),
}

# -- data

ARGUMENTS |= _fields(
    "data",
    {
        "plain": "3.1",
        "none": "3.2",
        "bool": "3.3",
        "none, bool": "3.2, 3.3",
        "pairs": "3.8",
        "unknown": "3.4 to 3.7",
    },
)
ARGUMENTS |= {
    ("data", f"repeated pairs, {case}"): Row(PINNED, f"content=urlencode({LISTS[case]})", "3.8")
    for case in ("plain", "none")
}
ARGUMENTS |= {
    ("data", "nothing"): Row(EXACT, "{}", "3.10"),
    ("data", "repeated pairs, unknown"): Row(
        LOSSY,
        "content=urlencode([(k, v) for k, v in {} if v is not None], doseq=True)",
        "3.5 to 3.8",
        "what the pairs of `data` hold is not known: `None` in a list is sent differently, and no pairs at all",
    ),
    ("data", "pairs beside headers"): Row(
        NONE,
        "",
        "3.8",
        "`data` is a list of pairs, which needs a Content-Type beside `headers` that are not known: put one there",
    ),
    ("data", "unknown whole"): Row(
        LOSSY,
        "{}",
        "3.2 to 3.8, 3.13 to 3.15",
        "what `data` holds is not known: `None` and booleans are sent differently, lists of pairs and files are "
        "refused; an annotation makes the fix safe",
    ),
    ("data", "text"): Row(EXACT, "content={}", "3.11, 3.12"),
    ("data", "text beside json"): Row(PINNED, "content={} or None", "3.20, 3.21"),
    ("data", "unknown beside json"): Row(
        NONE,
        "",
        "3.20, 3.21",
        "`data` and `json` together: which of them requests sends depends on whether `data` is empty",
    ),
    ("data", "bytearray"): Row(PINNED, "content=bytes({})", "3.13"),
    ("data", "file"): Row(PINNED, "content={}.read()", "3.14"),
    ("data", "text file"): Row(
        NONE, "", "3.14", '`data` is a file opened as text, which each library encodes in its way: open it with `"rb"`'
    ),
    ("data", "generator"): Row(
        NONE, "", "3.15, 3.16", "`data` is a generator: httpx's async client takes none but asynchronous ones"
    ),
    ("data", "text beside files"): Row(NONE, "", "5.22", "`data` is text beside `files`, which requests refuses"),
    ("data", "objects beside files"): Row(
        PINNED, "{{k: str(v) for k, v in {}.items() if v is not None}}", "5.19, 5.20"
    ),
    ("data", "unknown beside files"): Row(
        LOSSY,
        DICTS["none, bool"],
        "5.19, 5.20",
        "a value of `data` has a type that is not known: beside `files`, httpx takes nothing but text, bytes and "
        "numbers; an annotation makes the fix safe",
    ),
    ("data", "not a dict"): Row(
        NONE,
        "",
        "3.8, 3.13 to 3.15",
        "`data` is not known to be a dict, text or bytes: httpx's async client refuses lists of pairs, files and "
        "generators",
    ),
}

# -- files: each part by itself

ARGUMENTS |= {
    ("files", "nothing"): Row(EXACT, "", "5.24"),
    ("files", "plain field"): Row(EXACT, "{}", "5.6"),
    ("files", "typed"): Row(EXACT, "{}", "5.8"),
    ("files", "typed, read before"): Row(
        LOSSY, "{}", "5.16", "a file of `files` that has been read already is sent from its beginning by httpx"
    ),
    ("files", "perhaps typed"): Row(
        LOSSY, "{}", "5.9", f"if the Content-Type of a part is None: {_PART_TYPE}name one to make the fix safe"
    ),
    ("files", "named"): Row(
        LOSSY, "{}", "5.5", f"{_PART_TYPE}give it one, as in `(name, content, type)`, to make the fix safe"
    ),
    ("files", "file"): Row(
        LOSSY, "{}", "5.2", f"{_PART_TYPE}give it one, as in `(name, file, type)`, to make the fix safe"
    ),
    ("files", "content"): Row(
        LOSSY,
        "{{k: (k, v) for k, v in {}.items()}}",
        "5.3, 5.4",
        f"{_PART_TYPE}give it one, as in `(name, content, type)`, to make the fix safe",
    ),
    ("files", "with none"): Row(PINNED, DICTS["none"], "5.14"),
    ("files", "text file"): Row(
        NONE, "", "5.12, 5.13", 'a file of `files` is opened as text, which httpx refuses: open it with `"rb"`'
    ),
    ("files", "upload"): Row(
        NONE, "", "5.28", "`files` holds an UploadFile itself, which requests refuses: give its `file`"
    ),
    ("files", "unknown"): Row(
        LOSSY,
        "{}",
        "5.1 to 5.17",
        "a part of `files` is not known: httpx adds a Content-Type to it, may name it differently, and refuses text "
        "files; `(name, content, type)` makes the fix safe",
    ),
    ("files", "unknown whole"): Row(
        LOSSY,
        "{}",
        "5.1 to 5.17",
        "what `files` holds is not known: httpx adds a Content-Type to each part, may name it differently, and refuses "
        "text files",
    ),
}

# -- headers, cookies, auth

ARGUMENTS |= {
    ("headers", "nothing"): Row(EXACT, "{}", "1.16"),
    ("headers", "plain"): Row(EXACT, "{}", "6.1"),
    ("headers", "none"): Row(PINNED, DICTS["none"], "6.2"),
    ("headers", "none of the client's"): Row(
        NONE,
        "",
        "6.2",
        "`None` takes out a header that requests sends by itself, and httpx's client would send its own",
    ),
    ("headers", "latin-1"): Row(PINNED, '{{k: v.encode("latin-1") for k, v in {}.items()}}', "6.5"),
    ("headers", "trailing space"): Row(
        NONE, "", "6.8", "a header has a value that ends in a space, which httpx refuses: remove it"
    ),
    ("headers", "latin-1 among others"): Row(
        NONE, "", "6.5", 'a header has a value that is not ASCII, which httpx refuses: use `.encode("latin-1")` on it'
    ),
    ("headers", "with length"): Row(
        PINNED, '{{k: v for k, v in {}.items() if k.lower() != "content-length"}}', "3.22, 6.13"
    ),
    ("headers", "with length, none"): Row(
        PINNED,
        '{{k: v for k, v in {}.items() if v is not None and k.lower() != "content-length"}}',
        "3.22, 6.2, 6.13",
    ),
    ("headers", "of a form"): Row(PINNED, '{{**{}, "Content-Type": "application/x-www-form-urlencoded"}}', "3.8"),
    ("cookies", "nothing"): Row(EXACT, "", "1.16"),
    ("cookies", "text"): Row(PINNED, 'extensions={{"cookies": httpx.Cookies({})}}', "7.8 to 7.11"),
    ("cookies", "unknown"): Row(
        LOSSY,
        'extensions={{"cookies": httpx.Cookies({})}}',
        "7.12 to 7.14",
        "what `cookies` holds is not known: a jar would collect the cookies of the answer, and values that are not "
        "ASCII are refused; an annotation makes the fix safe",
    ),
    ("auth", "nothing"): Row(EXACT, "{}", "1.16"),
    ("auth", "pair"): Row(EXACT, "{}", "8.1"),
    ("auth", "pair of others"): Row(PINNED, "(str({0}), str({1}))", "8.3"),
    ("auth", "pair of unknown"): Row(
        LOSSY, "{}", "8.3", "`auth` holds a value of a type that is not known: requests takes numbers and `None`, too"
    ),
    ("auth", "requests.auth.HTTPBasicAuth"): Row(EXACT, "httpx.BasicAuth", "8.5"),
    ("auth", "requests.auth.HTTPDigestAuth"): Row(EXACT, "httpx.DigestAuth", "8.8"),
    ("auth", "object that sets headers"): Row(EXACT, "{}", "8.5, 8.6"),
    ("auth", "object that sets unknown headers"): Row(
        LOSSY,
        "{}",
        "6.3, 8.6",
        "`auth` sets headers of types that are not known: requests sends numbers there, httpx refuses them; an "
        "annotation makes the fix safe",
    ),
    ("auth", "shared digest"): Row(
        NONE,
        "",
        "8.8",
        "`auth` is an HTTPDigestAuth that is made elsewhere, which httpx cannot use: make an `httpx.DigestAuth` there",
    ),
    ("auth", "unknown"): Row(
        NONE,
        "",
        "8.6, 8.7",
        "`auth` is not a (user, password) pair: an auth object of requests may not work in httpx",
    ),
}

# -- what belongs to a client in httpx

ARGUMENTS |= {
    ("verify", "nothing"): Row(EXACT, "", "1.16"),
    ("verify", "flag"): Row(PINNED, "", "11.1"),
    ("verify", "file"): Row(PINNED, "", "11.2"),
    ("verify", "file or folder"): Row(
        LOSSY, "", "11.2", "if `verify` is a folder: httpx's client is given it as a file of certificates"
    ),
    ("verify", "unknown"): Row(
        NONE, "", "11.2, 11.3", "`verify` is not known to be text or a boolean: an annotation may make the fix possible"
    ),
    ("verify", "varying"): Row(
        NONE, "", "11.1", _VARYING.format(parameter="verify", wanted="literals and module constants")
    ),
    ("cert", "nothing"): Row(EXACT, "", "1.16"),
    ("cert", "files"): Row(PINNED, "", "11.5"),
    ("cert", "beside a file"): Row(
        NONE, "", "11.6", "`cert` beside a `verify` that names a file: httpx ignores one of them"
    ),
    ("cert", "unknown"): Row(NONE, "", "11.5", "`cert` is not known to be a path or a pair of paths"),
    ("cert", "varying"): Row(
        NONE, "", "11.5", _VARYING.format(parameter="cert", wanted="literals and module constants")
    ),
    ("proxies", "nothing"): Row(EXACT, "", "1.16"),
    ("proxies", "given"): Row(PINNED, "", "11.21 to 11.24"),
    ("proxies", "given, perhaps without a scheme"): Row(
        LOSSY,
        "",
        "11.21, 11.28",
        "if a proxy of `proxies` is given without `http://`, httpx refuses it when the app starts",
    ),
    ("proxies", "given, over SOCKS"): Row(
        LOSSY, "", "11.27", "a SOCKS proxy needs `httpx[socks]` to be installed, or the app does not start"
    ),
    ("proxies", "unknown"): Row(
        NONE, "", "11.21", "what `proxies` holds is not known: a dict of literals and module constants can be migrated"
    ),
    ("proxies", "varying"): Row(
        NONE, "", "11.21", _VARYING.format(parameter="proxies", wanted="literals and module constants")
    ),
}
"""(parameter, what is known of the argument) → row. An empty form drops the argument; what is not here is held.

`{url}` in a form stands for the URL as it was.
"""
