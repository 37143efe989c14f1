"""Make the bundled bag config/demo/demo.mcap: a conversation in espeak-ng's voices, and sums written on paper.

    .venv/bin/python test/make_demo_bag.py
    .venv/bin/robot-ai replay config/demo/demo.mcap --expect config/demo/expected.yaml --update

Everything in it is made here: the sentences are spoken by espeak-ng (voices that the speech model was not trained
on), the writing is drawn along lines written down below. So nobody's voice or hand is in the package. The sentences
follow config/dialogues/acompanante.yaml; with another dialogue or other models, run both commands again.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import soundfile
import soxr

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))

from robot_ai.bags import BagWriter, single_file  # noqa: E402
from robot_ai.vision.ink import draw_polylines  # noqa: E402

START_NS = 1_795_165_500 * 10**9  # 20 November 2026, 10:05 in Madrid
RATE = 16_000  # Hz
BLOCK = 1_600  # samples: 0.1 s
NOISE = 12  # amplitude of the room, of 32768
LEVEL = 9_000  # peak of a voice
FRAMES_PER_S = 4
FRAME = (480, 640)  # height, width, px

# One of espeak-ng's voices that training keeps for tests; (s of silence before, sentence).
VOICE, WORDS_PER_MINUTE = 'es+pedro', 115
SPOKEN = (
    (4.0, '¿Qué hora es?'),
    (5.0, 'Quiero hacer sumas.'),
    (17.0, 'No, gracias.'),
    (5.0, 'Muchas gracias.'),
    (4.0, 'Adiós.'),
)
WRITTEN = ((2, '8'),)  # (after so many sentences, what is written)
WRITING_DELAY = 8.0  # s after that sentence until the paper is held up: the robot asks first
SHOWN = 5.0  # s that the paper is held up

# How we write a digit: polylines in a square of 100, y down.
STROKES = {
    '3': [[(22, 20), (38, 8), (60, 8), (74, 22), (70, 38), (48, 47), (70, 54), (80, 72), (66, 90), (42, 95), (20, 84)]],
    '4': [[(58, 6), (22, 62), (86, 60)], [(64, 38), (62, 97)]],
    '5': [[(74, 8), (34, 9), (30, 46), (50, 40), (72, 52), (76, 74), (60, 93), (36, 95), (20, 84)]],
    '6': [[(66, 6), (44, 22), (28, 48), (24, 74), (38, 94), (60, 94), (74, 78), (68, 60), (50, 54), (28, 68)]],
    '7': [[(18, 12), (48, 14), (82, 10), (64, 44), (48, 96)]],
    '8': [[(70, 20), (50, 8), (30, 20), (34, 40), (62, 54), (74, 76), (54, 95), (28, 84), (32, 62), (66, 40),
           (70, 20)]],
    '9': [[(72, 30), (56, 10), (34, 14), (26, 36), (42, 52), (64, 44), (72, 28), (68, 60), (56, 96)]],
}


def speak(voice, speed, sentence) -> np.ndarray:
    """Return espeak-ng's speech as float32 at RATE, peak 1."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / 'speech.wav'
        subprocess.run(['espeak-ng', '-v', voice, '-s', str(speed), '-w', str(file), sentence], check=True)
        samples, rate = soundfile.read(file, dtype='float32')
    samples = soxr.resample(samples, rate, RATE)
    return samples / np.abs(samples).max()


def make_sound() -> tuple[np.ndarray, list[float]]:
    """Return int16 sound and the times (s) at which the sentences end."""
    parts, ends, random = [], [], np.random.default_rng(1)
    for pause, sentence in SPOKEN:
        parts += [np.zeros(round(pause * RATE)), speak(VOICE, WORDS_PER_MINUTE, sentence) * LEVEL]
        ends.append(sum(map(len, parts)) / RATE)
    sound = np.concatenate([*parts, np.zeros(4 * RATE)])
    sound = sound[:len(sound) // BLOCK * BLOCK]
    return (sound + random.normal(0, NOISE, len(sound))).round().astype(np.int16), ends


def draw(text: str, shake: np.ndarray) -> np.ndarray:
    """Return a sheet of paper on a desk with `text` written by a felt pen: uint8 [480, 640]; `shake` in px."""
    height, width = FRAME
    y, x = np.mgrid[0:height, 0:width]
    picture = (196 + 30 * x / width + 14 * y / height).astype(np.uint8)  # light from one side
    size, left = 190, width / 2 - 95 * len(text)
    for index, character in enumerate(text):
        corner = np.array([left + index * size, height / 2 - size / 2]) + shake
        lines = [smooth(np.array(line, float)) * size / 100 * 0.8 + corner + 0.1 * size
                 for line in STROKES[character]]
        draw_polylines(picture, lines, 11, 45)
    return cv2.GaussianBlur(picture, (0, 0), 1.0)


def smooth(points: np.ndarray) -> np.ndarray:
    """Round the corners of a polyline twice (Chaikin), its ends kept: a hand writes curves."""
    for _ in range(2):
        between = np.stack([0.75 * points[:-1] + 0.25 * points[1:], 0.25 * points[:-1] + 0.75 * points[1:]], axis=1)
        points = np.concatenate([points[:1], between.reshape(-1, 2), points[-1:]])
    return points


def make_frames(ends) -> list[tuple[float, bytes]]:
    """Return (s, JPEG) of the camera's frames: blank paper, then what is written."""
    random, frames = np.random.default_rng(2), []
    for after, text in WRITTEN:
        begin = ends[after - 1] + WRITING_DELAY
        for index in range(round((SHOWN + 1) * FRAMES_PER_S)):
            time = begin - 1 + index / FRAMES_PER_S
            picture = draw(text if time >= begin else '', random.normal(0, 1.5, 2))
            picture = np.clip(picture + random.normal(0, 2.5, FRAME), 0, 255).astype(np.uint8)
            frames.append((time, cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()))
    return frames


def write(path: Path, sound: np.ndarray, frames) -> None:
    """Write sound and frames in the order of their times."""
    items = [((index + BLOCK) / RATE, 'audio', sound[index:index + BLOCK]) for index in range(0, len(sound), BLOCK)]
    items += [(time, 'image', data) for time, data in frames]
    with tempfile.TemporaryDirectory() as folder, BagWriter(Path(folder) / 'demo') as writer:
        audio, image, t = 'std_msgs/msg/Int16MultiArray', 'sensor_msgs/msg/CompressedImage', writer.message_type
        layout = t('std_msgs/msg/MultiArrayLayout')(dim=[
            t('std_msgs/msg/MultiArrayDimension')(label=f'samples rate={RATE}', size=BLOCK, stride=BLOCK),
            t('std_msgs/msg/MultiArrayDimension')(label='channels', size=1, stride=1)], data_offset=0)
        for time, what, data in sorted(items, key=lambda item: item[0]):
            time_ns = START_NS + round(time * 1e9)
            if what == 'audio':
                message = t(audio)(layout=layout, data=data)
                writer.write('/audio', audio, time_ns, writer.serialize(audio, message))
                continue
            stamp = t('builtin_interfaces/msg/Time')(sec=time_ns // 10**9, nanosec=time_ns % 10**9)
            message = t(image)(header=t('std_msgs/msg/Header')(stamp=stamp, frame_id='camera'), format='jpeg',
                               data=np.frombuffer(data, np.uint8))
            writer.write('/image/compressed', image, time_ns, writer.serialize(image, message))
        writer.close()
        path.parent.mkdir(parents=True, exist_ok=True)
        single_file(Path(folder) / 'demo', path)


def main():
    """Write the bag, to config/demo or to the path given."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else CHECKOUT / 'config' / 'demo' / 'demo.mcap'
    sound, ends = make_sound()
    frames = make_frames(ends)
    write(path, sound, frames)
    print(f'{path}: {len(sound) / RATE:.0f} s of sound, {len(frames)} frames, {path.stat().st_size / 1e6:.1f} MB')


if __name__ == '__main__':
    main()
