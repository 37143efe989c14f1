"""The report of `robot-ai benchmark`: the passes of each engine in, one JSON-able mapping or its tables out."""
import os
import platform
from datetime import datetime, timezone

import numpy as np
from rapidfuzz.distance import Levenshtein

from robot_ai import __version__
from robot_ai.figures import percentiles, table
from robot_ai.speech.other_engines import OURS
from robot_ai.speech.spanish import fold

LATENCIES = {  # kind -> what it is counted between
    'consumed': 'sound -> heard (audio/progress)',
    'partial': "a word's end -> its first partial",
    'final': 'end of speech -> final',
    'final_after_silence': "sound that ends it -> final",
    'state': 'end of speech -> state',
    'say': 'end of speech -> say',
    'symbol': 'image -> symbol',
}
COUNTS = {  # name -> (node, key of its diagnostics)
    'audio_received': ('speech_to_text', 'audio messages'), 'audio_refused': ('speech_to_text', 'audio refused'),
    'audio_dropped': ('speech_to_text', 'audio dropped'),
    'images_received': ('character_recognizer', 'images'), 'images_read': ('character_recognizer', 'images read'),
    'images_dropped': ('character_recognizer', 'images dropped'),
    'images_refused': ('character_recognizer', 'images refused')}


def report(bag: str, passes: dict[str, list], unavailable: dict[str, str], expected, reliable: bool) -> dict:
    """Return everything that was measured.

    `passes`: {engine: [robot_ai.nodes.benchmark.Pass]}, ours first; `unavailable`: {engine: why it was left out};
    `expected`: the Outcome with what is really said, or None.
    """
    ours = passes[OURS]
    return {
        'date': datetime.now(timezone.utc).isoformat(timespec='seconds'), 'bag': bag,
        'duration_s': round(ours[0].duration, 3), 'repeats': len(ours), 'reliable': reliable,
        'machine': {'cores': os.cpu_count(), 'platform': platform.platform(), 'processor': _processor(),
                    'python': platform.python_version(), 'robot_ai': __version__},
        'engines': {engine: _engine(taken, expected) for engine, taken in passes.items() if taken},
        'pairs': {engine: _paired(ours, taken) for engine, taken in passes.items() if taken and engine != OURS},
        'unavailable': unavailable,
    }


def _processor():
    try:
        with open('/proc/cpuinfo', encoding='utf-8') as lines:
            return next(line.partition(':')[2].strip() for line in lines if line.startswith('model name'))
    except (OSError, StopIteration):
        return platform.processor()


def _engine(passes, expected):
    latencies = {}
    for kind in LATENCIES:
        figures = percentiles([1000 * value for taken in passes for value in taken.latencies[kind]])
        latencies[kind] = figures and {key: _rounded(value) for key, value in figures.items()}
    nodes = {name: {key: _rounded([taken.nodes[name][key] for taken in passes], 3)
                    for key in passes[0].nodes[name]} for name in passes[0].nodes}
    factors = [value for taken in passes for value in taken.real_time_factors]
    result = {
        'model': passes[0].diagnostics.get('speech_to_text', {}).get('model', ''),
        'cold_start_s': _rounded([taken.cold_start for taken in passes], 3),
        'latency_ms': latencies, 'words_without_partial': sum(taken.words_without_partial for taken in passes),
        'nodes': nodes,
        'real_time_factor': {'mean': round(float(np.mean(factors)), 4), 'max': max(factors)} if factors else None,
        'others_cores_busy': _rounded([taken.others_share for taken in passes], 3),
        'player_late_ms': _rounded(1000 * max(taken.latest for taken in passes)),
        'counts': _counts(passes),
        'transcripts': [[{'text': t.text, 'start': round(t.start, 3), 'end': round(end, 3),
                          'latency_ms': _rounded(1000 * latency)}
                         for t, end, latency in zip(taken.outcome.transcripts, taken.ends, taken.final_latencies)]
                        for taken in passes],
    }
    if expected is not None and expected.transcripts is not None:
        result['errors'] = _errors(passes, expected)
    return result


def _rounded(value, digits=1):
    return [round(v, digits) for v in value] if isinstance(value, (list, tuple)) else round(value, digits)


def _counts(passes):
    counts = {'audio_sent': sum(taken.sent.get('audio', 0) for taken in passes)}
    counts['images_sent'] = sum(taken.sent.get('image', 0) for taken in passes)
    for name, (node, key) in COUNTS.items():
        counts[name] = sum(int(float(taken.diagnostics.get(node, {}).get(key, 0))) for taken in passes)
    for stream in ('audio', 'images'):
        counts[f'{stream}_lost'] = counts[f'{stream}_sent'] - counts[f'{stream}_received']
    for section in ('transcripts', 'symbols', 'states', 'say'):
        counts[section] = sum(len(getattr(taken.outcome, section)) for taken in passes)
    return counts


def _errors(passes, expected):
    """Return the errors of words against what is really said, over all passes."""
    truth = ' '.join(fold(each.text) for each in expected.transcripts).split()
    wrong = sum(Levenshtein.distance(truth, ' '.join(fold(t.text) for t in taken.outcome.transcripts).split())
                for taken in passes)
    return {'words': len(truth) * len(passes), 'wrong': wrong,
            'word_error_rate': round(wrong / max(1, len(truth) * len(passes)), 4)}


def _paired(ours, theirs):
    """Compare utterances that both heard, at the same time of the same pass."""
    same = both = 0
    later = []
    for mine, other in zip(ours, theirs):
        for i, j in _overlaps(mine, other):
            both += 1
            same += fold(mine.outcome.transcripts[i].text) == fold(other.outcome.transcripts[j].text)
            later.append(1000 * (other.final_latencies[j] - mine.final_latencies[i]))
    figures = percentiles(later)
    count = sum(len(taken.outcome.transcripts) for taken in ours)
    return {'utterances': count, 'heard_by_both': both, 'same_text': same,
            'final_later_ms': figures and {key: _rounded(value) for key, value in figures.items()}}


def _overlaps(mine, other):
    for i, (text, end) in enumerate(zip(mine.outcome.transcripts, mine.ends)):
        for j, (theirs, their_end) in enumerate(zip(other.outcome.transcripts, other.ends)):
            if text.start < their_end and theirs.start < end:
                yield i, j
                break


def shown(result: dict) -> str:
    """Return the report as tables for a terminal."""
    machine = result['machine']
    parts = [f'{result["bag"]}: {result["duration_s"]:.1f} s, {result["repeats"]} time(s) in real time, '
             f'{"reliable" if result["reliable"] else "best effort"}\n'
             f'{result["date"]}, robot_ai {machine["robot_ai"]}, Python {machine["python"]}, {machine["processor"]}, '
             f'{machine["cores"]} cores']
    for engine, figures in result['engines'].items():
        parts += [f'-- {engine} {figures["model"]}'.rstrip(), *_engine_shown(figures)]
    for engine, pair in result['pairs'].items():
        parts.append(_pair_shown(engine, pair))
    parts += [f'{engine} is left out: {why}' for engine, why in result['unavailable'].items()]
    return '\n\n'.join(parts)


def _engine_shown(figures):
    rows = [('latency in ms', 'count', 'p50', '95 % of it', 'p95', 'p99')]
    for kind, what in LATENCIES.items():
        one = figures['latency_ms'][kind]
        rows.append((what, one['count'], f'{one["p50"]:.0f}', '{:.0f}-{:.0f}'.format(*one['p50_interval']),
                     f'{one["p95"]:.0f}', f'{one["p99"]:.0f}') if one else (what, 0, '-', '-', '-', '-'))
    yield table(rows)
    nodes = [('node', 'CPU, % of a core', 'resident MB', 'cold start s')]
    nodes += [(name, _mean(node['cpu_share'], 100), _mean(node['resident_mb']), _mean(node['cold_start_s']))
              for name, node in figures['nodes'].items()]
    nodes.append(('all', f'{sum(100 * np.mean(n["cpu_share"]) for n in figures["nodes"].values()):.1f}',
                  f'{sum(np.mean(n["resident_mb"]) for n in figures["nodes"].values()):.1f}',
                  _mean(figures['cold_start_s'])))
    yield table(nodes)
    counts, lines = figures['counts'], []
    if figures['real_time_factor']:
        lines.append('real-time factor of speech_to_text: mean {mean:.3f}, over 10 s at most {max:.3f}'.format(
            **figures['real_time_factor']))
    lines.append('sound: {audio_sent} messages sent, {audio_received} received, {audio_lost} lost, {audio_dropped} '
                 'dropped, {audio_refused} refused'.format(**counts))
    lines.append('images: {images_sent} sent, {images_received} received, {images_lost} lost, {images_read} read, '
                 '{images_dropped} dropped, {images_refused} refused'.format(**counts))
    lines.append('{transcripts} transcripts, {symbols} symbols, {states} states, {say} sentences said; {words} words '
                 'in no partial'.format(words=figures['words_without_partial'], **counts))
    lines.append(f'the player was late by at most {figures["player_late_ms"]:.0f} ms; everything else on this machine '
                 f'kept {_mean(figures["others_cores_busy"])} cores busy')
    if 'errors' in figures:
        lines.append('words: {wrong} of {words} wrong, {rate:.1f} %'.format(
            rate=100 * figures['errors']['word_error_rate'], **figures['errors']))
    yield '\n'.join(lines)


def _mean(values, scale=1.0):
    text = f'{scale * np.mean(values):.1f}'
    return text if len(values) == 1 else f'{text} ({scale * min(values):.1f}-{scale * max(values):.1f})'


def _pair_shown(engine, pair):
    text = (f'{engine} beside {OURS}: of {pair["utterances"]} utterances {pair["heard_by_both"]} heard by both, '
            f'{pair["same_text"]} with the same text')
    later = pair['final_later_ms']
    return text + (f'; its final comes {later["p50"]:+.0f} ms later ({later["p50_interval"][0]:+.0f} to '
                   f'{later["p50_interval"][1]:+.0f}) in the median' if later else '')
