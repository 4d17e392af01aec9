"""The rows of the migration table, in the order of the notes."""

import importlib.util

from utils.migration import in_order

ROWS = []
for name in ("data", "models", "training", "viewer", "cheatsheet"):
    if importlib.util.find_spec(f"{__name__}.{name}"):
        ROWS += importlib.import_module(f"{__name__}.{name}").ROWS
ROWS = in_order(ROWS)
