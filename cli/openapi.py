"""What `penstock openapi` prints: the description of an API that nobody has to start for it."""

import json
import logging
from pathlib import Path
from tempfile import TemporaryDirectory

from penstock.api.app import create_app
from penstock.api.description import describe, page
from penstock.declare.application import Application
from penstock.producers.memory import MemoryLog
from penstock.producers.signing import Keyring
from penstock.runtime.settings import Settings

# Nobody is there, and nobody is asked.
_NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


def text(as_page: bool) -> str:
    """The document as JSON, or as a page of Markdown. It is the same whatever the application registers."""
    logging.disable(logging.WARNING)
    with TemporaryDirectory() as home:
        settings = Settings(home=Path(home), kafka_bootstrap_servers="127.0.0.1:1", database_url=_NOWHERE)
        Keyring.create(settings.keys_file)
        settings.api_keys_file.write_text('{"keys": []}')
        document = describe(create_app(settings, log=MemoryLog(), application=Application("none")))
    return page(document) if as_page else json.dumps(document, indent=1, sort_keys=True) + "\n"
