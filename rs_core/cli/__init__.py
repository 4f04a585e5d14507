"""`rs COMMAND ...`: the engine on the command line.

The table names each command's class as text, so that `rs --help` loads nothing.
"""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

from rs_core.cli.terminal import (
    complain,
    drop_unprinted,
    flush,
    is_of_stdout,
    readable_anywhere,
)
from rs_core.errors import RsError, UnknownNameError

COMMANDS = {
    "certify": ("rs_core.cli.certify:CertifyCommand", "certify an image, or a folder of images"),
    "sweep": ("rs_core.cli.sweep:SweepCommand", "radius curve of an image over noise levels"),
    "select": ("rs_core.cli.select:SelectCommand", "let a selector pick sigma per image"),
    "regions allocate": (
        "rs_core.cli.regions:AllocateCommand",
        "divide input space into frozen regions of one sigma each",
    ),
    "regions check": ("rs_core.cli.regions:CheckCommand", "whether a frozen file is as it was"),
    "regions show": ("rs_core.cli.regions:ShowCommand", "its regions, or the answer to a query"),
    "sandwich": (
        "rs_core.cli.sandwich:SandwichCommand",
        "certified radius and smallest confirmed attack, per image",
    ),
    "predict": ("rs_core.cli.predict:PredictCommand", "smoothed class of images, or accuracy"),
    "attack": ("rs_core.cli.attack:AttackCommand", "look for adversarial images, and confirm them"),
    "transfer": (
        "rs_core.cli.transfer:TransferCommand",
        "adversarial images of some networks against others",
    ),
    "study noise": (
        "rs_core.cli.study:NoiseCommand",
        "accuracy against noise, attacked and not, for several votes",
    ),
    "study strength": ("rs_core.cli.study:StrengthCommand", "accuracy against attack radius"),
    "study frontier": (
        "rs_core.cli.study:FrontierCommand",
        "clean against robust accuracy, weaker and stronger attack",
    ),
    "train": ("rs_core.cli.train:TrainCommand", "train a small network on noisy images"),
    "export": (
        "rs_core.cli.export:ExportCommand",
        "model file of a training, finished or not",
    ),
    "models": ("rs_core.cli.listings:ModelsCommand", "list the networks and shipped weights"),
    "datasets": ("rs_core.cli.listings:DatasetsCommand", "list the data sets and samples"),
    "app": ("rs_core.cli.app:AppCommand", "serve the page on 127.0.0.1:8501"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 on success, 2 on bad input (one sentence on stderr), 130 if interrupted;
    1 where a command went on without files that it names.
    """
    name, arguments = _split(list(sys.argv[1:] if argv is None else argv))
    readable_anywhere()
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
    except RsError as error:
        complain(name, str(error))
        return 2
    except KeyboardInterrupt as interruption:
        complain(name, str(interruption) or "interrupted")
        return 130
    except BrokenPipeError:  # the reader of a pipe left, and knows it
        return 0
    except OSError as error:
        if not is_of_stdout(error):
            raise
        complain(name, f"the results cannot be printed ({error.strerror}): make room for them.")
        return 2
    return code


def _run(name: str, arguments: list[str]) -> int:
    if name in ("-h", "--help", "help"):
        print(_help(COMMANDS), flush=True)
        return 0
    if name in ("-V", "--version"):
        from rs_core.cli.listings import version

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
    import tyro

    from rs_core.allocator import keep_freed_memory
    from rs_core.cli.arguments import checked_arguments, hold_once

    keep_freed_memory()

    module, _, attribute = COMMANDS[name][0].partition(":")
    command = getattr(import_module(module), attribute)
    hold_once(arguments)
    if hasattr(command, "written_out"):
        arguments = command.written_out(arguments)
    if hasattr(command, "for_arguments"):
        command = command.for_arguments(arguments)
    parsed = tyro.cli(
        command,
        prog=f"rs {name}",
        args=checked_arguments(command, arguments),
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes),
    )
    code: int = parsed.run()
    return code


def _help(commands: Mapping[str, tuple[str, str]]) -> str:
    width = max(map(len, commands)) + 2
    rows = [f"  {name:<{width}}{text}" for name, (_, text) in commands.items()]
    lines = ["usage: rs COMMAND [options]", "", "Per-sample randomized smoothing you can see.", ""]
    lines += ["commands:", *rows, "", "rs COMMAND --help shows a command's options; rs --version."]
    return "\n".join(lines)
