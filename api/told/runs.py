"""Answers about runs, and what is done with one or many of them."""

from typing import Final

from penstock.api.told.common import Shapes

SHAPES: Final[Shapes] = {}
