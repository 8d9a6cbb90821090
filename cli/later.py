"""Commands whose modules are imported when they are typed: `penstock --help` needs their names and one line of each.

Guarantees: the list of commands costs no import of what they need. That its lines are the commands' own is tested.
"""

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from penstock.cli.lean_help import import_help

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter


class Later(NamedTuple):
    """A command, or a group of them. `found` is `module:name` of a function or a typer.Typer; `also` are modules that
    add theirs to that group; `panel` is where the list shows it."""

    help: str
    found: str
    panel: str
    also: tuple[str, ...] = ()

    def load(self, name: str) -> "Command":
        """The command itself."""
        module, _, attribute = self.found.partition(":")
        found = getattr(importlib.import_module(module), attribute)
        for each in self.also:
            importlib.import_module(each)
        if isinstance(found, typer.Typer):
            command: Command = typer.main.get_group(found)
        else:
            alone = typer.Typer(add_completion=False)
            alone.command(name)(found)
            command = typer.main.get_command(alone)
        command.name = name
        return command


def group_of(commands: Mapping[str, Later], panels: Sequence[str]) -> type[TyperGroup]:
    """A group that has these commands beside its own, and lists them by panel in this order."""

    class LaterGroup(TyperGroup):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes)
            self._awaited = set(commands)
            for name, each in commands.items():
                self.add_command(TyperCommand(name, help=each.help, rich_help_panel=each.panel))

        def list_commands(self, ctx: "Context") -> list[str]:
            def place(name: str) -> int:
                panel = getattr(self.commands[name], "rich_help_panel", None)
                return panels.index(panel) if panel in panels else len(panels)

            return sorted(super().list_commands(ctx), key=place)

        def format_help(self, ctx: "Context", formatter: "HelpFormatter") -> None:
            import_help()
            super().format_help(ctx, formatter)

        def resolve_command(self, ctx: "Context", args: list[str]) -> Any:
            name = args[0] if args else ""
            if name in self._awaited:
                self._awaited.discard(name)
                self.commands[name] = commands[name].load(name)
            return super().resolve_command(ctx, args)

    return LaterGroup
