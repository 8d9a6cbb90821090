"""Answers about workflows, their versions and tools."""

from typing import Final

from penstock.api.told.common import Shapes

SHAPES: Final[Shapes] = {}
