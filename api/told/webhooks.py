"""Answers about webhooks and their deliveries."""

from typing import Final

from penstock.api.told.common import Shapes

SHAPES: Final[Shapes] = {}
