"""`[tool.fastmigrate]`: read, checked, and joined with the options of the command line."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

__all__ = ["Config", "ConfigError", "load_config", "parse_codes"]

KEYS = (
    *("select", "ignore", "exclude", "per-file-ignores", "fix", "diff", "unsafe-fixes"),
    *("exit-zero", "statistics", "output-format", "output-file", "client", "blocking-calls"),
    *("fallback", "client-settings", "baseline", "jobs", "no-cache"),
)
WITH_EDITS = frozenset({"json", "sarif", "rdjson"})
"""The formats that say what each fix changes."""
FORMATS = ("text", "concise", "json", "sarif", "github", "gitlab", "rdjson")
CHOICES = {"output-format": FORMATS, "client": ("httpx", "httpx2"), "fallback": ("thread",)}
_LIMITS = ("max_connections", "max_keepalive_connections", "keepalive_expiry")
_TIMEOUTS = ("connect", "read", "write", "pool")


class ConfigError(Exception):
    """A setting that cannot be used; the message says which, and what would do."""


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of a run. `select` and `ignore` hold codes or prefixes of codes."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fix: bool = False
    diff: bool = False
    unsafe_fixes: bool = False
    exit_zero: bool = False
    statistics: bool = False
    output_format: str = "text"
    output_file: str | None = None
    client: str | None = None
    since: str | None = None
    baseline: Path | None = None
    write_baseline: bool = False
    blocking_calls: tuple[str, ...] = ()
    fallback: str | None = None
    client_settings: tuple[tuple[str, str], ...] = ()
    jobs: int | None = None
    no_cache: bool = False

    @property
    def processes(self) -> int:
        """How many processes may work at once."""
        return self.jobs or os.cpu_count() or 1

    def selects(self, code: str) -> bool:
        """Whether findings with this code are wanted: the longest prefix that fits decides.

        A rule that is off is on as soon as a prefix selects it, `ALL` included.
        """
        chosen = max((len(p) for p in self.select if code.startswith(p)), default=-1 if self.select else 0)
        ignored = max((len(p) for p in self.ignore if code.startswith(p)), default=-1)
        if code == "FM900" and ignored < 0:  # choosing other rules does not make a file readable
            return True
        from fastmigrate.rules import all_rules  # which there is no need for where nothing is found

        if not self.select and not all_rules()[code].is_on:
            return False
        return chosen >= 0 and chosen > ignored


def parse_codes(text: str | list[str], where: str) -> tuple[str, ...]:
    """The codes in a comma list; ConfigError if one of them is not the code of a rule, nor the beginning of one."""
    parts = text.split(",") if isinstance(text, str) else text
    codes = tuple(part.strip().upper() for part in parts if part.strip())
    from fastmigrate.rules import all_rules

    known = all_rules()
    for code in codes:
        if code != "ALL" and not any(name.startswith(code) for name in known):
            raise ConfigError(f"{where}: there is no rule {code!r}; the rules are {', '.join(known)}")
    return tuple("FM" if code == "ALL" else code for code in codes)


def load_config(file: Path, options: Mapping[str, Any]) -> Config:
    """The settings in a TOML file, if it is there, with the given options over them; ConfigError if they are wrong."""
    table: Any = {}
    if file.is_file():
        try:
            tool = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
            table = tool.get("fastmigrate", {}) if isinstance(tool, dict) else {}
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise ConfigError(f"{file}: {error}") from error
    if not isinstance(table, dict):
        raise ConfigError(f"{file}: [tool.fastmigrate] is not a table")
    config = _from_table(table, file)
    return replace(config, **{key: value for key, value in options.items() if value is not None})


def _from_table(table: Mapping[str, Any], file: Path) -> Config:
    values: dict[str, Any] = {}
    for key, value in table.items():
        where = f"{file}: [tool.fastmigrate] {key}"
        match key:
            case "select" | "ignore":
                values[key] = parse_codes(_strings(value, where), where)
            case "exclude":
                values[key] = tuple(_strings(value, where))
            case "per-file-ignores":
                if not isinstance(value, dict):
                    raise ConfigError(f"{where} must be a table of patterns and lists of codes")
                values["per_file_ignores"] = {
                    pattern: parse_codes(_strings(codes, where), where) for pattern, codes in value.items()
                }
            case "blocking-calls":
                names = tuple(_strings(value, where))
                if not all(part.isidentifier() for name in names for part in name.split(".")):
                    raise ConfigError(f"{where} must be dotted names, as `mypkg.client.fetch`")
                values["blocking_calls"] = names
            case "fix" | "diff" | "unsafe-fixes" | "exit-zero" | "statistics" | "no-cache":
                if not isinstance(value, bool):
                    raise ConfigError(f"{where} must be true or false")
                values[key.replace("-", "_")] = value
            case "output-format" | "client" | "fallback":
                values[key.replace("-", "_")] = _choice(key, value, where)
            case "jobs":
                values["jobs"] = _number(value, where)
            case "client-settings":
                values["client_settings"] = _client_settings(value, where)
            case "output-file" | "baseline":
                if not isinstance(value, str):
                    raise ConfigError(f"{where} must be a path")
                values[key.replace("-", "_")] = value if key == "output-file" else file.parent / value
            case _:
                raise ConfigError(f"{where}: there is no such setting{_meant(key)}; there are {', '.join(KEYS)}")
    return Config(**values)


def _choice(key: str, value: Any, where: str) -> str:
    if value not in CHOICES[key]:
        one_of = "" if len(CHOICES[key]) == 1 else "one of "
        raise ConfigError(f"{where} must be {one_of}{', '.join(CHOICES[key])}")
    return str(value)


def _number(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigError(f"{where} must be a whole number, 1 or more")
    return value


def _meant(key: str) -> str:
    """A question for the setting that may be meant, if there is one."""
    from difflib import get_close_matches

    close = get_close_matches(key, KEYS, 1)
    return f" (`{close[0]}`, perhaps?)" if close else ""


def _strings(value: Any, where: str) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f"{where} must be a list of strings")
    return value


def _client_settings(table: Any, where: str) -> tuple[tuple[str, str], ...]:
    """The arguments of the clients that are written, as templates in which `{httpx}` stands for httpx's name."""
    if not isinstance(table, dict):
        raise ConfigError(f"{where} must be a table")
    found: list[tuple[str, str]] = []
    for key, value in table.items():
        match key, value:
            case "timeout", bool():
                raise ConfigError(f"{where} {key} must be a number of seconds, or a table of {', '.join(_TIMEOUTS)}")
            case "timeout", int() | float() if value > 0:
                found.append((key, repr(value)))
            case "timeout", dict():
                found.append((key, f"{{httpx}}.Timeout(None, {_numbers(value, _TIMEOUTS, f'{where} {key}')})"))
            case "limits", dict():
                found.append((key, f"{{httpx}}.Limits({_numbers(value, _LIMITS, f'{where} {key}')})"))
            case "headers", dict() if all(isinstance(text, str) for text in value.values()):
                written = ", ".join(f"{_quoted(name)}: {_quoted(text)}" for name, text in value.items())
                found.append((key, f"{{{{{written}}}}}"))
            case (("timeout" | "limits" | "headers"), _):
                kinds = {"timeout": "a number of seconds, or a table of them", "limits": "a table of numbers"}
                raise ConfigError(f"{where} {key} must be {kinds.get(key, 'a table of strings')}")
            case _:
                raise ConfigError(f"{where}: there is no setting {key!r}; there are timeout, limits, headers")
    return tuple(found)


def _numbers(table: Mapping[str, Any], names: tuple[str, ...], where: str) -> str:
    for key, value in table.items():
        if key not in names:
            raise ConfigError(f"{where}: there is no {key!r}; there are {', '.join(names)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise ConfigError(f"{where} {key} must be a number above 0")
    return ", ".join(f"{key}={value!r}" for key, value in table.items())


def _quoted(text: str) -> str:
    """A string literal, as part of a template."""
    return json.dumps(text, ensure_ascii=False).replace("{", "{{").replace("}", "}}")
