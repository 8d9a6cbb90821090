"""Answers about schedules."""

from typing import Final

from penstock.api.told.common import Shapes

SHAPES: Final[Shapes] = {}
