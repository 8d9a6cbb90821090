"""`penstock run …`: the group that the commands about one run hang under; each module adds its own."""

import typer

run_app = typer.Typer(help="Start runs, look at them and speak to them.", no_args_is_help=True)
