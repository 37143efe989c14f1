"""Numbers of a measurement in, figures out: percentiles with intervals, slopes with intervals, tables as text."""
from collections.abc import Sequence

import numpy as np

RESAMPLES = 2000
BLOCKS = 20  # means that a series is cut into before its slope is taken


def percentiles(values: Sequence[float], seed: int = 0) -> dict | None:
    """Return count, p50, p95, p99, max and the 95 % bootstrap interval of the p50 of some numbers; None of none."""
    values = np.asarray(values, float)
    if not len(values):
        return None
    drawn = np.random.default_rng(seed).choice(values, (RESAMPLES, len(values)))
    low, high = np.percentile(np.median(drawn, axis=1), (2.5, 97.5))
    p50, p95, p99 = np.percentile(values, (50, 95, 99))
    return {'count': len(values), 'p50': float(p50), 'p95': float(p95), 'p99': float(p99), 'max': float(values.max()),
            'p50_interval': [float(low), float(high)]}


def slope(times: Sequence[float], values: Sequence[float]) -> tuple[float, float, float]:
    """Return the slope of `values` over `times` and its 95 % interval: (slope, low, high), values per unit of time.

    Neighbouring samples of a process's memory are nearly equal, and an interval that took each for news would be far
    too narrow: so the line goes through the means of BLOCKS stretches. Needs at least 3 samples.
    """
    times, values = np.asarray(times, float), np.asarray(values, float)
    parts = np.array_split(np.arange(len(times)), min(BLOCKS, len(times)))
    x = np.array([times[part].mean() for part in parts])
    y = np.array([values[part].mean() for part in parts])
    if len(x) < 3 or np.ptp(x) == 0:
        raise ValueError(f'{len(x)} samples: a slope needs 3 at different times')
    centred = x - x.mean()
    rise = float(centred @ (y - y.mean()) / (centred @ centred))
    rest = y - y.mean() - rise * centred
    error = float(np.sqrt(rest @ rest / (len(x) - 2) / (centred @ centred)))
    margin = error * _student_975(len(x) - 2)
    return rise, rise - margin, rise + margin


def _student_975(freedom: int) -> float:
    """Return the 97.5 % point of Student's t (Cornish-Fisher's expansion; a table below 4)."""
    if freedom < 4:
        return {1: 12.706, 2: 4.303, 3: 3.182}[freedom]
    z = 1.959964
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def table(rows: Sequence[Sequence], right: bool = True) -> str:
    """Return rows as text in columns; the first row is the head. With `right` all but the first column stand right."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in texts) for column in range(len(texts[0]))]
    lines = ['  '.join(cell.rjust(width) if right and column else cell.ljust(width)
                       for column, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in texts]
    return '\n'.join([lines[0], '  '.join('-' * width for width in widths), *lines[1:]])
