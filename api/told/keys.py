"""Answers about API keys."""

from typing import Final

from penstock.api.told.common import Shapes

SHAPES: Final[Shapes] = {}
