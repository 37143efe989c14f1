"""Frame costs [T, N] of a text's states in, the cheapest path through them out: both aligners' one search.

A text is a row of units (sentences), each a row of states. Between two units lies a gap, which takes any
frames at the price `star[t]`: silence, a preamble, speech that is not in the text. A unit may be left out at
the price `skip[k]`: text that was not read. Time is searched in blocks: only one row of costs a block is kept and
the block is computed again on the way back, so that memory grows with T + N and not with T * N.
"""
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import parent_process

import numpy as np
from tqdm import tqdm

from robot_ai.errors import AudioError

INFINITE = np.float32(1e30)
BLOCK = 128  # frames between two kept rows
STAY, ADVANCE, JUMP, ENTER = 0, 1, 2, 3  # how a state was reached


@dataclass(frozen=True)
class Graph:
    """The units of a text as rows of states; K units, N states."""

    starts: np.ndarray  # int [K], the first state of each unit
    ends: np.ndarray  # int [K], one past its last state; ends[k] == starts[k + 1]
    jump: np.ndarray  # bool [N], state i may be reached from i - 2 (never across a unit's start)
    skip: np.ndarray  # float [K], price of leaving the unit out

    @property
    def states(self) -> int:
        """The number of states N."""
        return int(self.ends[-1])


def build_graph(lengths: list[int], skip: np.ndarray, jump: np.ndarray) -> Graph:
    """Return the graph of units with `lengths` states each (at least 1); `jump` bool [N] says which may jump."""
    ends = np.cumsum(np.asarray(lengths, np.int64))
    starts = ends - np.asarray(lengths, np.int64)
    jump = np.array(jump, bool)
    jump[starts] = False
    jump[np.minimum(starts + 1, ends - 1)] = False
    return Graph(starts, ends, jump, np.asarray(skip, np.float64))


def pause_borders(speech: np.ndarray, price: float) -> np.ndarray:
    """Return `borders` float [T, 2] that let a unit begin after and end before a pause, else for `price`."""
    borders = np.zeros((len(speech), 2))
    borders[1:, 0] = price * speech[:-1]
    borders[:-1, 1] = price * speech[1:]
    return borders


class _Search:
    """One row of the search: `states` [N + 2] (two cells of padding in front) and `junctions` [K + 1].

    Junction k lies before unit k: its price is that of the best path that has left unit k - 1, or left it out.
    """

    def __init__(self, graph, stay_cost, jump_cost, free_ends):
        self.graph = graph
        self.stay_cost = np.float32(stay_cost)
        self.jump_cost = np.where(graph.jump, np.float32(jump_cost), INFINITE)
        skip = np.concatenate([[0.0], np.cumsum(graph.skip)])
        self.prefix = skip  # price of leaving out the units before junction k
        self.states = np.full(graph.states + 2, INFINITE, np.float32)
        self.junctions = np.zeros(len(skip)) if free_ends else skip.copy()

    def row(self, costs, star, border, low, high, keep):
        """Advance one frame over the states [low, high); returns back-pointers if `keep`, else None.

        `border` is the price of beginning a unit at this frame, and that of ending one at it.
        """
        graph, states = self.graph, self.states
        first, last = np.searchsorted(graph.ends, low, 'right'), np.searchsorted(graph.starts, high, 'left')
        entries = graph.starts[first:last] if first < last and graph.starts[first] >= low else \
            graph.starts[first + 1:last]
        offset = last - len(entries)
        stay = states[low + 2:high + 2] + self.stay_cost
        advance = states[low + 1:high + 1].copy()
        advance[entries - low] = self.junctions[offset:last] + border[0]
        jump = states[low:high] + self.jump_cost[low:high]
        best = np.minimum(stay, advance)
        pointers = None
        if keep:
            pointers = (advance < stay).astype(np.uint8)
            pointers[jump < best] = JUMP
            entered = entries - low
            pointers[entered] = np.where(pointers[entered] == ADVANCE, ENTER, pointers[entered])
        np.minimum(best, jump, out=best)
        best += costs
        states[low + 2:high + 2] = best
        return pointers, self._advance_junctions(star, border[1], first, last, high, keep)

    def _advance_junctions(self, star, leaving, first, last, high, keep):
        gap = self.junctions + star
        left = np.full(len(gap), float(INFINITE))
        done = np.arange(first, last)
        done = done[self.graph.ends[done] <= high]
        left[done + 1] = self.states[self.graph.ends[done] + 1] + leaving
        here = np.minimum(gap, left)
        reduced = here - self.prefix
        running = np.minimum.accumulate(reduced)
        self.junctions = running + self.prefix
        if not keep:
            return None
        source = np.maximum.accumulate(np.where(reduced <= running, np.arange(len(gap)), 0))
        return source.astype(np.int32), left < gap


def align(costs: Callable[[int, int, int, int], np.ndarray], star: np.ndarray, graph: Graph, *,
          stay_cost: float = 0.0, jump_cost: float = 0.0, free_ends: bool = False,
          beam: float = 1e9, borders: np.ndarray | None = None) -> tuple[np.ndarray, float]:
    """Return (path int [T], price): at each frame the state, or -1 - k in the gap before unit k.

    `costs(t0, t1, low, high)` gives float32 [t1 - t0, high - low]; `star` float [T] is the gaps' price.
    `borders` float [T, 2] is the price of beginning a unit at a frame and of ending one at it (none if absent).
    With `free_ends` the text may begin and end anywhere at no price. States that are worse than the best by more
    than `beam` at a block's start are left out in that block. Raises AudioError where there is no frame.
    """
    frames = len(star)
    if frames == 0:
        raise AudioError('there is no sound to align: expected at least one frame')
    borders = np.zeros((frames, 2)) if borders is None else borders
    search = _Search(graph, stay_cost, jump_cost, free_ends)
    kept = []
    with tqdm(total=2 * -(-frames // BLOCK), desc='search', unit='block', leave=False, delay=3,
              disable=None if parent_process() is None else True) as bar:  # workers have one bar for all
        for begin in range(0, frames, BLOCK):
            end = min(begin + BLOCK, frames)
            low, high = _active(search, beam, end - begin)
            search.states[:low + 2] = INFINITE
            search.states[high + 2:] = INFINITE
            kept.append((search.states[low + 2:high + 2].copy(), search.junctions.copy(), low, high))
            block = costs(begin, end, low, high)
            for t in range(begin, end):
                search.row(block[t - begin], star[t], borders[t], low, high, False)
            bar.update()
        final = search.junctions if free_ends else search.junctions[-1:]
        price = float(np.min(final))
        junction = int(np.argmin(final)) if free_ends else len(search.junctions) - 1
        return _trace(search, costs, star, borders, kept, junction, bar), price


def _active(search, beam, rows):
    """Return the range [low, high) of states that a path may be in during the next `rows` frames."""
    graph = search.graph
    floor = min(float(search.states.min()), float(search.junctions.min())) + beam
    states = np.flatnonzero(search.states[2:] <= floor)
    units = np.flatnonzero(search.junctions[:-1] <= floor)
    lows = [states[0]] if len(states) else []
    highs = [states[-1] + 1] if len(states) else []
    if len(units):
        lows.append(graph.starts[units[0]])
        highs.append(graph.starts[units[-1]] + 1)
    if not lows:
        return graph.states - 1, graph.states
    return int(min(lows)), int(min(max(highs) + 2 * rows + 2, graph.states))


def _trace(search, costs, star, borders, kept, junction, bar):
    """Walk back from the last junction; each block's rows are computed again from the kept row."""
    graph, frames = search.graph, len(star)
    path = np.empty(frames, np.int64)
    state = None  # None: at `junction`, after frame t
    for number in range(len(kept) - 1, -1, -1):
        begin, end = number * BLOCK, min((number + 1) * BLOCK, frames)
        states, junctions, low, high = kept[number]
        search.states[:] = INFINITE
        search.states[low + 2:high + 2] = states
        search.junctions = junctions
        block = costs(begin, end, low, high)
        rows = [search.row(block[t - begin], star[t], borders[t], low, high, True) for t in range(begin, end)]
        for t in range(end - 1, begin - 1, -1):
            pointers, (source, from_unit) = rows[t - begin]
            if state is None:
                junction = int(source[junction])
                if not from_unit[junction]:
                    path[t] = -1 - junction
                    continue
                state = int(graph.ends[junction - 1]) - 1
            path[t] = state
            how = pointers[state - low]
            if how == ENTER:
                junction = int(np.searchsorted(graph.starts, state))
                state = None
            else:
                state -= int(how)
        bar.update()
    return path
