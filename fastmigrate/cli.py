"""The command line. It imports what a call needs, and nothing else: `--version` must not wait for a parser."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from fastmigrate import __version__

if TYPE_CHECKING:
    from fastmigrate.config import Config
    from fastmigrate.result import Result
    from fastmigrate.write import Change

__all__ = ["command", "main"]

FOUND, WRONG, INTERRUPTED = 1, 2, 130


class Failure(click.ClickException):
    """Wrong usage, bad configuration, or a file that cannot be written: one line on stderr, and exit code 2."""

    exit_code = WRONG

    def show(self, file: Any = None) -> None:
        """Print the message."""
        click.echo(f"fastmigrate: {self.message}", err=True)


def _codes(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The codes of rules with which a shell completes the last one of a comma list."""
    from fastmigrate.rules import all_rules

    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{code}" for code in all_rules() if code.startswith(last.upper())]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--fix", is_flag=True, default=None, help="Write the safe fixes.")
@click.option("--diff", is_flag=True, default=None, help="Print what --fix would change, as a patch; write nothing.")
@click.option("--unsafe-fixes", is_flag=True, default=None, help="With --fix or --diff: apply unsafe fixes, too.")
@click.option(
    "--select", metavar="CODES", shell_complete=_codes, help="Only these rules: codes or prefixes, with commas between."
)
@click.option("--ignore", metavar="CODES", shell_complete=_codes, help="Not these rules.")
@click.option(
    "--output-format",
    type=click.Choice(["text", "concise", "json", "sarif", "github", "gitlab", "rdjson"]),
    help="How to print findings.  [default: text]",
)
@click.option("--output-file", type=click.Path(dir_okay=False), help="Write the report to a file, not to stdout.")
@click.option(
    "--since",
    metavar="REV",
    help="Only findings that changes since this commit cause: of the call, or of a step of the way to it.",
)
@click.option(
    "--baseline",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Only findings that are not in this file.",
)
@click.option("--no-baseline", is_flag=True, help="Also findings that are in the baseline of the configuration.")
@click.option(
    "--write-baseline",
    is_flag=True,
    help="Write all findings that are left to the baseline.  [default: fastmigrate-baseline.json]",
)
@click.option(
    "--statistics",
    is_flag=True,
    default=None,
    help="Count the findings of each rule instead of listing them.",
)
@click.option(
    "--client",
    type=click.Choice(["httpx", "httpx2"]),
    help="The library to migrate to.  [default: what the project uses, else httpx]",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many processes may work at once.  [default: as many as there are processors]",
)
@click.option("--no-cache", is_flag=True, default=None, help="Neither use nor keep what runs have learnt of the files.")
@click.option("-v", "--verbose", is_flag=True, help="Say on stderr what is done, and how long it takes.")
@click.option("--explain", metavar="CODE", shell_complete=_codes, help="Explain a rule, and exit.")
@click.option(
    "--exit-zero", is_flag=True, default=None, help="Exit with 0 also when findings are left or --diff has changes."
)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TOML file to read [tool.fastmigrate] from, instead of the project's pyproject.toml.",
)
@click.version_option(__version__, prog_name="fastmigrate")
def command(paths: tuple[Path, ...], explain: str | None, config: Path | None, **options: Any) -> int:
    """Find blocking HTTP calls on the event loop of FastAPI apps, and rewrite them to a shared httpx client.

    PATHS are files and folders whose findings are wanted; the whole project around them is read. Default: the
    current folder.

    Exit codes: 0 nothing left to report, 1 findings are left (or --diff would change something), 2 wrong usage or
    configuration, a file that cannot be written, or a failure of ours, 130 on Ctrl-C.
    """
    if explain is not None:
        click.echo(_explanation(explain))
        return 0
    results, settings = _run(paths or (Path(),), config, options)
    return _report(results, settings)


def _explanation(code: str) -> str:
    from fastmigrate.rules import all_rules

    rule = all_rules().get(code.upper())
    if rule is None:
        raise Failure(f"there is no rule {code!r}; the rules are {', '.join(all_rules())}")
    return rule.doc


def _run(paths: Sequence[Path], config: Path | None, options: dict[str, Any]) -> tuple[list[Result], Config]:
    from fastmigrate.config import ConfigError, load_config, parse_codes
    from fastmigrate.pipeline import run_project
    from fastmigrate.progress import Progress
    from fastmigrate.report.lines import is_terminal
    from fastmigrate.sources import find_root

    without_baseline, verbose = options.pop("no_baseline"), options.pop("verbose")
    if without_baseline and (options["baseline"] or options["write_baseline"]):
        raise Failure(f"--no-baseline does not go with {'--baseline' if options['baseline'] else '--write-baseline'}")
    try:
        for name in ("select", "ignore"):
            if options[name] is not None:
                options[name] = parse_codes(options[name], f"--{name}")
        projects: dict[Path, list[Path]] = {}
        for path in paths:
            whole = path.resolve()
            projects.setdefault(find_root(whole), []).append(whole)
        results, settings = [], None
        with Progress(verbose=verbose, bar=is_terminal(sys.stderr) and not verbose) as progress:
            for root, own in sorted(projects.items()):
                settings = load_config(config or root / "pyproject.toml", options)
                if settings.unsafe_fixes and options["unsafe_fixes"] and not (settings.fix or settings.diff):
                    raise Failure("--unsafe-fixes does nothing without --fix or --diff")
                if without_baseline:
                    settings = replace(settings, baseline=None)
                if settings.write_baseline:
                    settings = _writing_baseline(settings)
                nested = [other for other in projects if root in other.parents]
                results.append(run_project(root, own, settings, nested, progress))
    except ConfigError as error:
        raise Failure(str(error)) from error
    assert settings is not None
    if not any(result.files for result in results):
        click.echo(f"fastmigrate: there are no Python files in {' '.join(map(str, paths))}", err=True)
    return results, settings


def _writing_baseline(settings: Config) -> Config:
    """The settings of a run that writes a baseline."""
    if settings.diff or settings.since is not None:
        raise Failure(f"--write-baseline does not go with {'--diff' if settings.diff else '--since'}")
    return replace(settings, baseline=settings.baseline or Path("fastmigrate-baseline.json"))


def _report(results: list[Result], settings: Config) -> int:
    changes = {result.root / path: change for result in results for path, change in result.changes.items()}
    if settings.diff:
        _show_patch(results, changes, settings)
    else:
        _write_files(results, changes, settings)
        _write(_formatted(results, settings).encode(errors="surrogateescape"), settings.output_file)
    left = any(result.findings for result in results) or (settings.diff and bool(changes))
    return 0 if settings.exit_zero or not left else FOUND


def _show_patch(results: list[Result], changes: dict[Path, Change], settings: Config) -> None:
    """Print the changes as a patch, and the findings beside it."""
    from fastmigrate.report.diff import unified_diff
    from fastmigrate.report.lines import drawn, is_styled
    from fastmigrate.report.text import text_report

    _write(unified_diff(changes), settings.output_file)
    lines = text_report(results, written=False)
    click.echo(drawn(lines, styled=is_styled(sys.stderr)), err=True, nl=False, color=True)
    if any(Path.cwd() not in path.parents for path in changes):
        root = next(result.root for result in results if result.changes)
        told = f"fastmigrate: files above this folder change, too: for a patch that git takes, run it in {root}"
        click.echo(told, err=True)


def _write_files(results: list[Result], changes: dict[Path, Change], settings: Config) -> None:
    """Write the fixes, and the baselines into which what is left goes; all of them, or none."""
    from fastmigrate.report.paths import shown
    from fastmigrate.wording import count

    baselines = _new_baselines(results) if settings.write_baseline else {}
    if changes or baselines:
        from fastmigrate.write import WriteError, write_changes

        try:
            if settings.output_file is not None:  # where the report cannot be written, nothing else is
                _write(b"", settings.output_file)
            write_changes({**changes, **{file: change for file, (change, _) in baselines.items()}})
        except WriteError as error:
            raise Failure(str(error)) from error
    for file, (_, number) in baselines.items():
        click.echo(f"fastmigrate: {count(number, 'finding')} in {shown(file)} now", err=True)
    for result in results if settings.write_baseline else ():
        result.take_all_for_known()


def _new_baselines(results: list[Result]) -> dict[Path, tuple[Change, int]]:
    """The baselines that the projects name, with what is left in these, and the number of their findings.

    What was not looked at stays in them.
    """
    from fastmigrate.baseline import printed
    from fastmigrate.write import Change

    found: dict[Path, tuple[Change, int]] = {}
    comparisons = [(result, result.comparison) for result in results if result.comparison is not None]
    for file in dict.fromkeys(comparison.file for _, comparison in comparisons):
        own = [(result, comparison) for result, comparison in comparisons if comparison.file == file]
        asides = [comparison.aside for _, comparison in own]
        kept = [entry for entry in asides[0] if all(entry in aside for aside in asides)]
        entries = [*kept, *(entry for result, _ in own for entry in result.entries)]
        try:
            before = file.read_bytes() if file.exists() else None
        except OSError as error:
            raise Failure(f"{file}: {error.strerror}; nothing was changed") from error
        found[file] = Change(before, printed(entries)), len(entries)
    return found


def _formatted(results: list[Result], settings: Config) -> str:
    """The report in the format that is asked for; those for other programs are there whatever else is asked."""
    from importlib import import_module

    from fastmigrate.report.lines import drawn, is_styled
    from fastmigrate.report.text import concise_report, statistics_report, text_report

    name = settings.output_format
    if name not in {"text", "concise"}:
        made: str = getattr(import_module(f"fastmigrate.report.{name}"), f"{name}_report")(results)
        return made
    report = statistics_report if settings.statistics else concise_report if name == "concise" else text_report
    return drawn(report(results), styled=settings.output_file is None and is_styled(sys.stdout))


def _write(report: bytes, file: str | None) -> None:
    if file is None:
        if sys.stdout is None:  # closed by whoever called
            return
        sys.stdout.flush()
        sys.stdout.buffer.write(report)
        sys.stdout.buffer.flush()
        return
    try:
        Path(file).write_bytes(report)
    except OSError as error:
        raise Failure(f"{file}: {error.strerror}") from error


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit with its code."""
    gc.disable()  # next to nothing of a run is garbage before its end, and to look for some takes a third of the time
    try:
        code = command.main(args, prog_name="fastmigrate", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(WRONG)
    except (KeyboardInterrupt, click.Abort):
        click.echo("fastmigrate: interrupted; no file is left half written", err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # whoever read the report has had enough of it
        sys.stderr.close()
        sys.exit(FOUND)
    except OSError as error:  # a full disk behind stdout, say: what was changed before stays changed
        click.echo(f"fastmigrate: the report could not be written: {error.strerror}", err=True)
        sys.exit(WRONG)
    except Exception as error:  # a defect of ours: no traceback reaches a user
        click.echo(f"fastmigrate: internal error ({type(error).__name__}: {error}); please report it", err=True)
        sys.exit(WRONG)
    sys.exit(code)
