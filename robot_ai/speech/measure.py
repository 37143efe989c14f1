"""Measure a speech model as the robot would use it; one JSON object a line.

    python -m robot_ai.speech.measure speed RECORDING...     start, memory, real-time factors, age of partials
    python -m robot_ai.speech.measure noise [RECORDING...]   false transcripts an hour: made noises, or these files
    python -m robot_ai.speech.measure speech MANIFEST --split validation     rejected utterances, WER, confidence

Times are the process's own CPU times: what an idle core would take; `wall` beside them says how busy the machine
was. Pin it to one core with `taskset -c 0`. A manifest has one object a line with audio, text, split and source.
"""
import argparse
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein

from robot_ai.model_store import find_model
from robot_ai.speech import noises, spanish
from robot_ai.speech.audio import SAMPLE_RATE, read_audio
from robot_ai.speech.recognizer import Final, Partial, open_recognizer

BLOCK = 320  # samples a block: 20 ms, as a microphone gives them
LEVELS_DB = (-55, -45, -35, -25, -15)  # dBFS of the made noises
MINUTES_A_SCENE = 1.0


def speed(recognizer, paths, started):
    """Print real-time factors and latencies of the files, as if each came live in blocks of 20 ms."""
    sound = np.concatenate([np.pad(read_audio(path), (0, SAMPLE_RATE)) for path in paths])
    begin, wall = time.process_time(), time.perf_counter()
    finals = recognizer.transcribe(sound)
    offline, wall = time.process_time() - begin, time.perf_counter() - wall
    stream, free_at, busy, ages, latencies = recognizer.stream(), 0.0, 0.0, [], []
    for at in range(0, len(sound), BLOCK):
        begin = time.process_time()
        events = stream.accept(sound[at:at + BLOCK])
        spent = time.process_time() - begin
        arrived = (at + BLOCK) / SAMPLE_RATE
        free_at, busy = max(free_at, arrived) + spent, busy + spent
        ages += [free_at - event.end for event in events if isinstance(event, Partial)]
        latencies += [free_at - arrived for event in events if isinstance(event, Final)]
    seconds = len(sound) / SAMPLE_RATE
    return {
        'seconds': round(seconds, 1), 'start_s': round(started, 2),
        'peak_memory_mb': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        'offline_real_time_factor': round(offline / seconds, 4),
        'offline_real_time_factor_wall': round(wall / seconds, 4),
        'streaming_real_time_factor': round(busy / seconds, 4), 'utterances': len(finals),
        'partials': len(ages), 'partial_age_p95_ms': _p95_ms(ages),
        'endpoint_to_final_p95_ms': _p95_ms(latencies), 'text': ' | '.join(final.text for final in finals)}


def _p95_ms(values):
    return round(float(np.percentile(values, 95)) * 1000) if values else None


def noise(recognizer, paths, minutes):
    """Yield a row for each scene and the total: hours, utterances opened, false transcripts."""
    hours, false = 0.0, 0
    if paths:
        rows = ((str(path), read_audio(path)) for path in paths)
    else:
        rows = ((f'{name} {level} dBFS', noises.scene(name, minutes * 60, level, seed=i))
                for i, level in enumerate(LEVELS_DB) for name in noises.SCENES)
    for name, sound in rows:
        finals = recognizer.transcribe(sound)
        hours, false = hours + len(sound) / SAMPLE_RATE / 3600, false + len(finals)
        if finals:
            yield {'scene': name, 'false': [(final.text, round(final.confidence, 3)) for final in finals]}
    yield {'hours': round(hours, 3), 'false_transcripts': false, 'an_hour': round(false / max(hours, 1e-9), 2)}


def speech(recognizer, manifest, split, limit):
    """Yield one row a source and the total: utterances heard as nothing, folded WER, calibration of words."""
    rows: dict[str, list] = {}
    with open(manifest, encoding='utf-8') as lines:
        clips = [clip for clip in map(json.loads, lines) if clip['split'] == split]
    for clip in clips[::max(1, len(clips) // limit)] if limit else clips:
        sound = read_audio(Path(manifest).parent / clip['audio'])
        sound = np.pad(sound, (SAMPLE_RATE // 2, SAMPLE_RATE))
        finals = recognizer.transcribe(sound)
        truth = spanish.fold(clip['text']).split()
        words = [(spanish.fold(word.text), word.confidence) for final in finals for word in final.words]
        rows.setdefault(clip['source'], []).append((truth, words))
    rows['all'] = [row for group in rows.values() for row in group]
    for source, group in rows.items():
        yield {'source': source, **_scored(group)}


def _scored(group):
    errors = sum(Levenshtein.distance(truth, [w for w, _ in words]) for truth, words in group)
    marks = []
    for truth, words in group:
        heard = [word for word, _ in words]
        kept = {i for op in Levenshtein.opcodes(heard, truth) if op.tag == 'equal'
                for i in range(op.src_start, op.src_end)}
        marks += [(confidence, i in kept) for i, (_, confidence) in enumerate(words)]
    return {'clips': len(group), 'rejected': sum(not words for _, words in group),
            'wer_folded': round(errors / max(1, sum(len(truth) for truth, _ in group)), 4),
            'word_calibration_error': round(calibration_error(marks), 4)}


def calibration_error(marks: list[tuple[float, bool]], bins: int = 10) -> float:
    """Return the expected calibration error of (confidence, was right) pairs."""
    if not marks:
        return 0.0
    confidence, right = (np.array(column, float) for column in zip(*marks))
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    return float(sum(abs(confidence[place == b].mean() - right[place == b].mean()) * np.mean(place == b)
                     for b in range(bins) if (place == b).any()))


def main(arguments=None):
    """Run one measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('what', choices=('speed', 'noise', 'speech'))
    parser.add_argument('paths', nargs='*')
    parser.add_argument('--model', default='')
    parser.add_argument('--split', default='validation')
    parser.add_argument('--limit', type=int, default=0, help='at most about so many clips')
    parser.add_argument('--minutes', type=float, default=MINUTES_A_SCENE, help='of each made noise and level')
    parser.add_argument('--profile', default='normal')
    options = parser.parse_args(arguments)
    if not options.paths and options.what != 'noise':
        parser.error(f'{options.what} needs a file')
    begin = time.process_time()
    recognizer = open_recognizer(find_model('speech', options.model), profile=options.profile)
    recognizer.recognize(np.zeros(SAMPLE_RATE, np.float32))
    started = time.process_time() - begin  # without Python's own start and the imports
    if options.what == 'speed':
        rows = [speed(recognizer, options.paths, started)]
    elif options.what == 'noise':
        rows = noise(recognizer, options.paths, options.minutes)
    else:
        rows = speech(recognizer, options.paths[0], options.split, options.limit)
    for row in rows:
        print(json.dumps(row, ensure_ascii=False), flush=True)


if __name__ == '__main__':
    sys.exit(main())
