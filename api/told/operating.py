"""Answers about dead letters, operators' actions and feedback."""

from typing import Final

from penstock.api.told.common import Shapes

SHAPES: Final[Shapes] = {}
