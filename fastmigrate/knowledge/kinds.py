"""Kinds of values: which classes, functions, methods and attributes from outside give them.

The kinds themselves are listed at `fastmigrate.project.types.Types`.
"""

from __future__ import annotations

__all__ = [
    "AWAITED",
    "KIND_OF_CLASS",
    "KIND_OF_RESULT",
    "MAPPINGS_OF_TEXT",
    "OF_REQUEST",
    "OF_RESPONSE",
    "OF_UPLOAD",
    "TEXT_METHODS",
]

KIND_OF_CLASS = {
    "builtins.str": "text",
    "builtins.bytes": "bytes",
    "builtins.bytearray": "bytearray",
    "builtins.int": "number",
    "builtins.float": "number",
    "builtins.bool": "bool",
    "builtins.None": "none",
    "builtins.dict": "dict",
    "typing.Dict": "dict",
    "typing.Mapping": "dict",
    "collections.abc.Mapping": "dict",
    "builtins.tuple": "tuple",
    "decimal.Decimal": "plain",
    "uuid.UUID": "plain",
    "datetime.date": "plain",
    "datetime.datetime": "plain",
    "enum.IntEnum": "plain",
    "enum.StrEnum": "plain",
    "pydantic.HttpUrl": "url",
    "pydantic.AnyUrl": "url",
    "pydantic.AnyHttpUrl": "url",
    "pydantic.EmailStr": "text",
    "fastapi.Request": "request",
    "fastapi.UploadFile": "upload",
    "starlette.datastructures.UploadFile": "upload",
    "starlette.datastructures.Headers": "headers",
    "starlette.datastructures.FormData": "form",
}
KIND_OF_RESULT = {
    "builtins.str": "text",
    "builtins.int": "number",
    "builtins.float": "number",
    "builtins.len": "number",
    "builtins.round": "number",
    "builtins.bool": "bool",
    "builtins.isinstance": "bool",
    "json.dumps": "text",
    "urllib.parse.quote": "text",
    "urllib.parse.quote_plus": "text",
    "urllib.parse.urlencode": "text",
    "urllib.parse.urljoin": "text",
    "os.path.join": "text",
    "textwrap.dedent": "text",
    "base64.b64encode": "bytes",
    "datetime.date.today": "plain",
    "datetime.datetime.now": "plain",
    "datetime.datetime.utcnow": "plain",
    "uuid.uuid4": "plain",
    "time.time": "number",
    "builtins.repr": "text",
    "builtins.bytes": "bytes",
    "builtins.bytearray": "bytearray",
    "io.BytesIO": "nameless file",
    "io.StringIO": "text file",
}
OF_REQUEST = {
    "headers": "headers",
    "query_params": "query params",
    "cookies": "cookies",
}
OF_UPLOAD = {
    "file": frozenset({"nameless file"}),
    "filename": frozenset({"text", "none"}),
    "content_type": frozenset({"text", "none"}),
}
OF_RESPONSE = {"content": "bytes", "text": "text", "status_code": "number"}
AWAITED = {("request", "body"): "bytes", ("request", "form"): "form", ("upload", "read"): "bytes"}
MAPPINGS_OF_TEXT = ("headers", "query params", "cookies")
TEXT_METHODS = frozenset(
    [
        "strip",
        "lstrip",
        "rstrip",
        "lower",
        "upper",
        "title",
        "capitalize",
        "isoformat",
        "strftime",
        "hexdigest",
        "join",
        "decode",
        "removeprefix",
        "removesuffix",
        "format",
        "model_dump_json",
    ]
)
