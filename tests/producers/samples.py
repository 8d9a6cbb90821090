"""Names that the tests of the producers share."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from penstock.producers.log import Outgoing
from penstock.schemas import ids

# The run that tests speak of.
RUN = ids.run_id("local", "one")

# What the fixture `make_records` gives.
Records: TypeAlias = Callable[..., Sequence[Outgoing]]
