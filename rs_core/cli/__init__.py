"""`rs COMMAND ...`: the engine on the command line.

The table names each command's class as text, so that `rs --help` loads nothing.
"""

import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from importlib import import_module
from typing import Any

from rs_core.cli.signals import ending, ending_alike, leaving_at_once, was_ended
from rs_core.cli.terminal import (
    complain,
    drop_unprinted,
    flush,
    heard_or_not,
    hold_streams,
    is_of_stdout,
    outliving_reader,
    readable_anywhere,
    remember,
)
from rs_core.errors import RsError, UnknownNameError

_READER_LEFT = 141  # 128 and SIGPIPE's number, as of a program that a closed pipe kills
COMMANDS = {
    "certify": (
        "rs_core.cli.commands.certify:CertifyCommand",
        "certify an image, or a folder of images",
    ),
    "sweep": (
        "rs_core.cli.commands.sweep:SweepCommand",
        "radius curve of an image over noise levels",
    ),
    "select": ("rs_core.cli.commands.select:SelectCommand", "let a selector pick sigma per image"),
    "regions allocate": (
        "rs_core.cli.commands.regions:AllocateCommand",
        "divide input space into frozen regions of one sigma each",
    ),
    "regions check": (
        "rs_core.cli.commands.regions:CheckCommand",
        "whether a frozen file is as it was",
    ),
    "regions show": (
        "rs_core.cli.commands.regions:ShowCommand",
        "its regions, or the answer to a query",
    ),
    "sandwich": (
        "rs_core.cli.commands.sandwich:SandwichCommand",
        "certified radius and smallest confirmed attack, per image",
    ),
    "predict": (
        "rs_core.cli.commands.predict:PredictCommand",
        "smoothed class of images, or accuracy",
    ),
    "attack": (
        "rs_core.cli.commands.attack:AttackCommand",
        "look for adversarial images, and confirm them",
    ),
    "transfer": (
        "rs_core.cli.commands.transfer:TransferCommand",
        "adversarial images of some networks against others",
    ),
    "study noise": (
        "rs_core.cli.commands.study:NoiseCommand",
        "accuracy against noise, attacked and not, for several votes",
    ),
    "study strength": (
        "rs_core.cli.commands.study:StrengthCommand",
        "accuracy against attack radius",
    ),
    "study frontier": (
        "rs_core.cli.commands.study:FrontierCommand",
        "clean against robust accuracy, weaker and stronger attack",
    ),
    "paper": (
        "rs_core.cli.commands.paper:PaperCommand",
        "repeat a paper's table, beside what was published",
    ),
    "train": ("rs_core.cli.commands.train:TrainCommand", "train a small network on noisy images"),
    "export": (
        "rs_core.cli.commands.export:ExportCommand",
        "model file of a training, finished or not",
    ),
    "models": (
        "rs_core.cli.commands.listings:ModelsCommand",
        "list the networks and shipped weights",
    ),
    "datasets": ("rs_core.cli.commands.listings:DatasetsCommand", "list the data sets and samples"),
    "app": ("rs_core.cli.commands.app:AppCommand", "serve the page on 127.0.0.1:8501"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 on success, 2 on bad input (one sentence on stderr).

    1 where a command went on without files that it names.
    128 and a signal's number where it was ended: 130 by Ctrl-C, 143 by SIGTERM, 141 where the
    reader of stdout left and no file was asked for.
    """
    hold_streams()
    name, arguments = _split(list(sys.argv[1:] if argv is None else argv))
    readable_anywhere()
    with heard_or_not(), ending_alike():
        code = _guarded(name, arguments)
    drop_unprinted()
    return code


def _split(words: list[str]) -> tuple[str, list[str]]:
    """The command's name, of two words where the table has such, and the words after it."""
    count = 2 if " ".join(words[:2]) in COMMANDS else 1
    return " ".join(words[:count]) or "--help", words[count:]


def _guarded(name: str, arguments: list[str]) -> int:
    try:
        code = _run(name, arguments)
        flush()
    except KeyboardInterrupt as interruption:
        return _ended(name, str(interruption))
    except Exception as error:
        # What a signal breaks off may say so in other words, such as a module half imported.
        return _ended(name) if was_ended() else _failed(name, error)
    return code


def _failed(name: str, error: Exception) -> int:
    """The exit code of what one must expect to fail, told; a bug is raised."""
    if isinstance(error, RsError):
        complain(name, str(error))
        return 2
    if isinstance(error, BrokenPipeError):  # the reader of a pipe left, and knows it
        return _READER_LEFT
    if isinstance(error, OSError) and is_of_stdout(error):
        complain(name, f"the results cannot be printed ({error.strerror}): make room for them.")
        return 2
    raise error


def _ended(name: str, sentence: str = "") -> int:
    word, code = ending()
    complain(name, sentence or word)
    return code


def _run(name: str, arguments: list[str]) -> int:
    if name in ("-h", "--help", "help"):
        print(_help(COMMANDS), flush=True)
        return 0
    if name in ("-V", "--version"):
        from rs_core.cli.commands.listings import version

        print(version())
        return 0
    parts = {command: row for command, row in COMMANDS.items() if command.startswith(f"{name} ")}
    if parts and arguments[:1] in ([], ["-h"], ["--help"]):
        print(_help(parts), flush=True)
        return 0
    if parts:
        raise UnknownNameError("command", f"{name} {arguments[0]}", parts)
    if name not in COMMANDS:
        raise UnknownNameError("command", name, COMMANDS)
    with leaving_at_once(name):
        from rs_core.allocator import keep_freed_memory
        from rs_core.cli.outputs.results import leaves_files
        from rs_core.cli.seeds import with_seed

        keep_freed_memory()
        remember(name, arguments)
        command = with_seed(parsed(name, arguments))
    with outliving_reader() if leaves_files(command) else nullcontext():
        code: int = command.run()
        flush()
    return code


def parsed(name: str, arguments: list[str]) -> Any:
    """The command with its options, checked; `run` runs it.

    Raises:
        RsError: an option that is not known, or whose value is refused.
    """
    import tyro

    from rs_core.cli.parser import check_once, checked_arguments

    module, _, attribute = COMMANDS[name][0].partition(":")
    command = getattr(import_module(module), attribute)
    check_once(arguments)
    if hasattr(command, "written_out"):
        arguments = command.written_out(arguments)
    if hasattr(command, "for_arguments"):
        command = command.for_arguments(arguments)
    return tyro.cli(
        command,
        prog=f"rs {name}",
        args=checked_arguments(command, arguments),
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes),
    )


def _help(commands: Mapping[str, tuple[str, str]]) -> str:
    width = max(map(len, commands)) + 2
    rows = [f"  {name:<{width}}{text}" for name, (_, text) in commands.items()]
    lines = ["usage: rs COMMAND [options]", "", "Per-sample randomized smoothing you can see.", ""]
    lines += ["commands:", *rows, "", "rs COMMAND --help shows a command's options; rs --version."]
    return "\n".join(lines)
