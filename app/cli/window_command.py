"""No command: the window, on the files that are named. Its help is that of the whole program."""

from pathlib import Path

import click

from app import __version__
from app.cli.parameters import Command
from app.cli.session import Session

COMMANDS = {
    "info": ("info_command:info", "Format and why, files, entries, whether it can be saved."),
    "keys": ("list_commands:keys", "All keys, one a line."),
    "dump": ("list_commands:dump", "All entries, raw and lossless, a line of JSON each."),
    "show": ("show_command:show", "One value as text, tree, JSON, hex, opcodes or bytes."),
    "audit": ("audit_command:audit", "What the values name and what loading them would call."),
    "find": ("find_command:find", "The places whose keys or values match a text or an expression."),
    "export": ("export_command:export", "Entries as JSON or JSON Lines."),
    "set": ("set_command:set_value", "Replace or add a place in a value, or a whole value."),
    "delete": ("entry_commands:delete", "Take entries, or a place in a value, out."),
    "rename": ("entry_commands:rename", "Give an entry another key."),
    "create": ("create_command:create_database", "Make an empty database."),
    "load": ("create_command:load_database", "Make a database of what 'dump' writes."),
    "convert": ("convert_command:convert", "Copy all entries into a new database of any format."),
    "compact": ("convert_command:compact", "Write a database anew without unused room."),
    "check": ("check_command:check", "Everything that is wrong with a file."),
    "salvage": ("check_command:salvage", "Save what can be found in damaged files into a new database."),
}
"""Every command: its module (imported when it is used) and function, and what the help says of it."""


class WindowCommand(Command):
    """Lists the commands in its help."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        with formatter.section("Commands instead of files"):
            formatter.write_dl([(name, summary) for name, (_function, summary) in COMMANDS.items()])


def _print_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        ctx.obj.output.line(f"shelfscope {__version__}")
        ctx.exit()


@click.command(
    "shelfscope",
    cls=WindowCommand,
    epilog="A command wins over a file of its name: ./info is the file. 'shelfscope COMMAND --help' tells more.",
)
@click.argument("files", nargs=-1, type=click.UNPROCESSED, metavar="[FILE]...")
@click.option("--read-only", is_flag=True, help="Open the files for looking only.")
@click.option(
    "--screenshot",
    metavar="OUT.png",
    type=click.UNPROCESSED,
    help="Draw the window into a picture and end; no display needed.",
)
@click.option("--select", metavar="KEY", type=click.UNPROCESSED, help="The entry that the picture shows.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and end.",
)
@click.pass_obj
def window(
    session: Session, files: tuple[str, ...], *, read_only: bool, screenshot: str | None, select: str | None
) -> int:
    """Open any dbm database or Python shelf in a window, without running a line of what it contains."""
    if select is not None and screenshot is None:
        raise click.UsageError("--select goes with --screenshot", ctx=click.get_current_context())
    picture = None if screenshot is None else Path(screenshot)
    return session.open_window([Path(file) for file in files], read_only=read_only, screenshot=picture, select=select)
