"""Reading TensorBoard's event files back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

_KINDS = ("scalars", "histograms", "compressedHistograms", "images", "audio", "tensors")


def read_events(log: str | Path) -> EventAccumulator:
    """Return all that TensorBoard reads of the run in the folder ``log``.

    Its own reader keeps four images and one histogram a tag; here it keeps all. Ask the
    result for ``.Tags()``, ``.Scalars(tag)``, ``.Histograms(tag)``, ``.Images(tag)``,
    ``.Tensors(tag)``, ``.Graph()``.
    """
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(log), size_guidance=dict.fromkeys(_KINDS, 0)).Reload()
