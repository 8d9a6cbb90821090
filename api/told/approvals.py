"""Answers about approvals, votes and what else is done with them."""

from typing import Final

from penstock.api.told.common import Shapes

SHAPES: Final[Shapes] = {}
