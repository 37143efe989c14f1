"""The clips of a manifest that an evaluation or a tuning reads: by split, evenly spread over each source."""
import json
from pathlib import Path

import numpy as np

from robot_ai.errors import ConfigurationError
from robot_ai.speech.spanish import normalize


def read_clips(manifest: Path, splits: list[str], sources=()) -> list[dict]:
    """Return the manifest's clips of these splits whose text is not empty; ConfigurationError where there are none."""
    if not manifest.is_file():
        raise ConfigurationError(f'{manifest}: no such manifest')
    with open(manifest, encoding='utf-8') as lines:
        clips = [c for c in map(json.loads, lines) if c['split'] in splits and normalize(c['text'])
                 and (not sources or c['source'] in sources)]
    if not clips:
        raise ConfigurationError(f'{manifest}: no clips of split {" ".join(splits)}'
                                 + (f' from {" ".join(sources)}' if sources else ''))
    return clips


def spread(clips: list[dict], each: int, by: tuple[str, ...] = ('source',)) -> dict[tuple, list[dict]]:
    """Return {key: clips}: at most `each` (0: all) for each value of the facts `by`, evenly spread, keys sorted."""
    groups: dict[tuple, list[dict]] = {}
    for clip in clips:
        groups.setdefault(tuple(clip[key] for key in by), []).append(clip)
    return {key: [rows[int(i)] for i in np.linspace(0, len(rows) - 1, min(each or len(rows), len(rows)))]
            for key, rows in sorted(groups.items())}
