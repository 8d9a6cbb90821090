"""Answers about events."""

from typing import Final

from penstock.api.told.common import Shapes

SHAPES: Final[Shapes] = {}
