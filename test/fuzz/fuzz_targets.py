"""What is fed with changed input: each target takes a Mutator, makes one case of it and hands it to our code.

Only RobotAIError may come out of a target. A target is made once for many cases (its set-up is not the subject) and
works in a scratch folder of its own. Those that need ROS are in fuzz_nodes.py, the page's in fuzz_page.py.
"""
import contextlib
import json
import shutil
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from fuzz_page import page_frames, page_writing, upload
from mutations import sendable

from robot_ai import payloads
from robot_ai.paths import share_directory

STAMP = {'sec': 1_700_000_000, 'nanosec': 5}
BOX = {'box': [1, 2, 30, 40], 'candidates': [{'latex': '7', 'score': 0.9}, {'latex': '1', 'score': 0.1}]}
MESSAGES = {  # topic -> (payload, real messages)
    'transcript/detail': (payloads.TranscriptDetail, [
        {'stamp': STAMP, 'text': 'quiero agua por favor', 'confidence': 0.8, 'language': 'es', 'duration': 1.2,
         'words': [{'text': 'quiero', 'start': 0.0, 'end': 0.3, 'confidence': 0.9}], 'source': 'microphone'},
        {'stamp': STAMP, 'text': 'ayuda'}, {'stamp': {}, 'text': 'sí', 'source': 'text'}]),
    'characters/detail': (payloads.CharactersDetail, [
        {'stamp': STAMP, 'latex': '7', 'score': 0.9, 'kind': 'symbol', 'items': [BOX], 'source': 'camera'},
        {'stamp': STAMP, 'latex': '\\frac{1}{2}', 'kind': 'expression', 'items': [BOX, BOX]}]),
    'recognition_context': (payloads.RecognitionContext, [
        {'phrases': ['ayuda', 'quiero agua'], 'endpointing': 'paused_speech', 'vision': False}, {}]),
    'action': (payloads.ActionRequest, [
        {'id': 'a1', 'name': 'show_text', 'arguments': {'text': 'Hola'}},
        {'id': 'a2', 'name': 'play_sound', 'arguments': {'file': 'musica/tranquila.ogg'}},
        {'id': 'a3', 'name': 'show_picture', 'arguments': {'file': 'x.png', 'alt': 'una foto'}},
        {'id': 'a4', 'name': 'speech_rate', 'arguments': {'factor': 0.8}},
        {'id': 'a5', 'name': 'cancel', 'arguments': {'id': 'a2'}}]),
    'dialogue/event': (payloads.DialogueEvent, [
        {'id': 'a1', 'status': 'done'}, {'id': 'a2', 'status': 'failed', 'why': 'no file'},
        {'event': 'good_morning', 'data': {'name': 'Lola', 'n': 3}}]),
    'state': (payloads.StateReport, [
        {'state': 'awake.waiting', 'since': STAMP, 'last_event': 'hear affirm', 'why': 'sí', 'dialogue': 'lia'}]),
}


def payload_json(folder):
    kinds = list(MESSAGES.values())

    def case(mutator):
        kind, seeds = mutator.pick(kinds)
        sendable(kind.from_json(mutator.json(mutator.pick(seeds))).to_json())
    return case


def image(folder):
    from robot_ai.nodes.image_messages import ENCODINGS, grey_of

    def case(mutator):
        height, width = mutator.pick((0, 1, 2, 3, 7, 40, 2**31)), mutator.pick((0, 1, 2, 3, 5, 33, 2**32 - 1))
        step = mutator.pick((0, 1, width, width * 2, width * 3, width * 3 + 1, width * 8, 2**32 - 1))
        size = mutator.pick((0, 1, min(step * height, 5000), min(step * height, 5000) + 1, 5000))
        message = SimpleNamespace(height=height, width=width, step=step, is_bigendian=mutator.pick((0, 1, 255)),
                                  encoding=mutator.text(mutator.pick(ENCODINGS)) if mutator.chance(0.2)
                                  else mutator.pick(ENCODINGS), data=mutator.rng.randbytes(size))
        grey = grey_of(message)
        assert grey.shape == (height, width) and grey.dtype == np.uint8
    return case


def compressed_image(folder):
    import cv2

    from robot_ai.nodes.image_messages import grey_of_compressed
    picture = np.random.default_rng(0).integers(0, 255, (24, 31, 3), np.uint8)
    seeds = [cv2.imencode(kind, picture)[1].tobytes() for kind in ('.jpg', '.png', '.bmp', '.webp', '.tiff', '.ppm')]
    seeds.append(cv2.imencode('.png', picture[:, :, 0].astype(np.uint16) * 256)[1].tobytes())

    def case(mutator):
        message = SimpleNamespace(format=mutator.pick(('jpeg', '', '\x00')), data=mutator.bytes(mutator.pick(seeds)))
        assert grey_of_compressed(message).dtype == np.uint8
    return case


def audio_message(folder):
    from robot_ai.nodes import audio_messages as forms
    from robot_ai.speech.audio import StreamingResampler
    header = SimpleNamespace(stamp=SimpleNamespace(sec=5, nanosec=7), frame_id='mic')
    every = (forms.BUFFER, forms.SAMPLES_STAMPED, forms.DATA_STAMPED, forms.SAMPLES, forms.DATA, forms.ARRAY)
    types = {1: np.float32, 2: np.int32, 8: np.int16, 16: np.int8, 32: np.uint8}

    def message_of(mutator, form):
        length = mutator.pick((0, 1, 2, 3, 160, 1600, 4097))
        raw = mutator.rng.randbytes(length)
        rate = mutator.pick((0, 1, 8000, 16000, 22050, 44100, 48000, 96000, -16000, 2**31 - 1))
        channels = mutator.pick((0, 1, 2, 3, 4, 8, 9, 255, 2**31 - 1))
        if form in forms.NEEDS_INFO:
            message = SimpleNamespace(data=raw)
            return message if form == forms.DATA else SimpleNamespace(header=header, audio=message)
        if form in (forms.SAMPLES, forms.SAMPLES_STAMPED):
            number = mutator.pick((1, 2, 8, 16, 32, 0, 4, -1))
            samples = np.frombuffer(raw[:length // 4 * 4], types.get(number, np.int16))
            data = SimpleNamespace(**{f'{t}_data': samples for t in ('float32', 'int32', 'int16', 'int8', 'uint8')})
            audio = SimpleNamespace(audio_data=data, info=SimpleNamespace(format=number, channels=channels, rate=rate))
            return audio if form == forms.SAMPLES else SimpleNamespace(header=header, audio=audio)
        samples = np.frombuffer(raw[:length // 2 * 2], np.int16)
        if form == forms.BUFFER:
            return SimpleNamespace(header=header, frequency=rate, channel_map=[1] * min(channels, 300), data=samples)
        dims = [SimpleNamespace(label=mutator.pick((f'samples rate={rate}', 'channels', 'rate=9999999999', '', 'x')),
                                size=mutator.pick((0, 1, 2, channels, 2**32 - 1)), stride=0)
                for _ in range(mutator.pick((0, 1, 2, 3)))]
        layout = SimpleNamespace(dim=dims, data_offset=mutator.pick((0, 1, 2**32 - 1)))
        return SimpleNamespace(data=samples, layout=layout)

    def case(mutator):
        form = mutator.pick(every)
        given = mutator.pick((None, forms.PcmFormat(16000, 1), forms.PcmFormat(48000, 2, '<f4'),
                              forms.PcmFormat(8000, 3, 'i1'), forms.PcmFormat(44100, 1, '>i4')))
        with np.errstate(all='ignore'):
            block = forms.to_block(message_of(mutator, form), form, given)
            out = StreamingResampler(block.rate, block.samples.shape[1]).push(block.samples)
        assert out.dtype == np.float32 and np.isfinite(out).all()
    return case


def sound_file(folder):
    import soundfile

    from robot_ai.speech.audio import read_audio
    sound, seeds = np.sin(np.arange(1600) / 9).astype(np.float32) / 3, []
    for suffix, subtype in (('wav', 'PCM_16'), ('wav', 'FLOAT'), ('flac', 'PCM_16'), ('ogg', 'VORBIS'), ('mp3', None)):
        path = folder / f'seed.{suffix}'
        soundfile.write(path, sound, 16000, subtype)
        seeds.append((suffix, path.read_bytes()))

    def case(mutator):
        suffix, data = mutator.pick(seeds)
        path = folder / f'case.{mutator.pick((suffix, suffix, "m4a", "wav"))}'
        path.write_bytes(mutator.bytes(data))
        assert np.isfinite(read_audio(path)).all()
    return case


def sound_stream(folder):
    """The shipped recogniser, fed with sound of any length, NaN and infinity among it, and any context."""
    from robot_ai.model_store import find_model
    from robot_ai.speech.recognizer import SpeechRecognizer
    recognizer = SpeechRecognizer(find_model('speech'))
    stream = recognizer.stream()

    def case(mutator):
        length = mutator.pick((0, 1, 7, 160, 479, 480, 4800))
        samples = np.frombuffer(mutator.rng.randbytes(4 * length), np.float32) if mutator.chance(0.5) else (
            np.full(length, mutator.pick((np.nan, np.inf, -np.inf, 1e38, 0.0, 1.0, -1.0)), np.float32))
        if mutator.chance(0.05):
            context = mutator.value(MESSAGES['recognition_context'][1][0])
            context = payloads.RecognitionContext.from_json(json.dumps(context))
            stream.set_context(phrases=context.phrases, profile=context.endpointing)
        with np.errstate(all='ignore'):
            events = stream.accept(samples, muted=mutator.chance(0.3))
            events += stream.finish() if mutator.chance(0.05) else []
        for event in events:
            sendable(json.dumps(asdict(event)))
    return case


def model_yaml(folder):
    """The shipped models with model.yaml changed as bytes or as values: refused, or loaded as well as it can be."""
    import yaml

    from robot_ai.model_store import find_model, load_model
    from robot_ai.speech.recognizer import SpeechRecognizer
    from robot_ai.vision.characters import CharacterRecognizer
    from robot_ai.vision.expressions import ExpressionRecognizer
    shutil.copytree(share_directory() / 'models', folder / 'models')
    makers = {'speech': SpeechRecognizer, 'characters': CharacterRecognizer,
              'expressions': lambda path: ExpressionRecognizer(path.parent)}
    seeds = [(kind, find_model(kind, folder / 'models') / 'model.yaml') for kind in makers]
    seeds = [(kind, path, path.read_bytes()) for kind, path in seeds]

    def case(mutator):
        kind, path, data = mutator.pick(seeds)
        if mutator.chance(0.5):
            changed = mutator.bytes(data)
        else:
            changed = yaml.safe_dump(mutator.value(yaml.safe_load(data)), allow_unicode=True).encode('utf-8', 'replace')
        path.write_bytes(changed)
        try:
            load_model(path.parent)
            makers[kind](path.parent)
        finally:
            path.write_bytes(data)
    return case


def dialogue(folder):
    from robot_ai.dialogue.document import load_dialogue
    from robot_ai.dialogue.events import Heard, Tick
    from robot_ai.dialogue.machine import DialogueMachine
    seeds = [path.read_bytes() for path in sorted((share_directory() / 'config' / 'dialogues').glob('*.yaml'))]
    path = folder / 'dialogue.yaml'

    def case(mutator):
        data = mutator.pick(seeds)
        if mutator.chance(0.7):  # a part of it: most faults then lie in what is read
            begin = mutator.rng.randrange(len(data))
            data = data[:300] + data[begin:begin + 1500]
        path.write_bytes(mutator.bytes(data))
        machine = DialogueMachine(load_dialogue(path), 0.0)
        for event, now in ((Tick(), 0.0), (Heard('ayuda'), 1.0), (Tick(), 1e6)):
            machine.handle(event, now)
    return case


def memory(folder):
    from robot_ai.dialogue.document import load_dialogue
    from robot_ai.dialogue.events import Heard, Tick
    from robot_ai.dialogue.machine import DialogueMachine
    from robot_ai.dialogue.memory import load_memory
    document = load_dialogue(share_directory() / 'config' / 'dialogues' / 'acompanante.yaml')
    machine = DialogueMachine(document, 1e9)
    for text in ('', 'hola', 'quiero escuchar musica', 'ayuda'):
        machine.handle(Heard(text) if text else Tick(), 1e9 + 1)
    seed, path = machine.snapshot(), folder / 'memory.json'

    def case(mutator):
        path.write_text(mutator.json(seed), 'utf-8', 'replace')
        found = load_memory(path)
        machine.restore(found, 1e9 + 60, quiet=mutator.chance(0.3))
        machine.handle(Tick(), 1e9 + 61)
        json.dumps(machine.snapshot(), allow_nan=False, ensure_ascii=False).encode('utf-8')
    return case


def yaml_files(folder):
    """Robots, parameter files, expectations, training configs: all YAML that users write."""
    from robot_ai.commands.assistant import _existing
    from robot_ai.nodes.robots import load_robot
    from robot_ai.testing import load_outcome
    config = share_directory() / 'config'
    readers = [(load_robot, config / 'pepper.yaml'), (_existing, config / 'default.yaml'),
               (load_outcome, config / 'demo' / 'expected.yaml')]
    readers = [(read, path.read_bytes()) for read, path in readers]

    def case(mutator):
        read, data = mutator.pick(readers)
        path = folder / 'file.yaml'
        path.write_bytes(mutator.bytes(data[:3000]))
        read(str(path))
    return case


def training_yaml(folder):
    from training.audiobook.catalogue import read_catalogue
    from training.audiobook.files import read_book
    from training.speech import train
    config = sorted(train.CONFIGS.glob('*.yaml'))[0].read_bytes()
    book = b'title: Platero\nreader: A\nlicence: CC0\nrecordings: [a.mp3]\ntext: t.txt\n'
    catalogue = json.dumps([{'url': 'https://e.org/a.mp3', 'licence': 'CC0', 'sha256': '0' * 64, 'bytes': 9}]).encode()

    def case(mutator):
        kind = mutator.rng.randrange(3)
        (folder / 'book.yaml').write_bytes(mutator.bytes(book))
        (folder / 'config.yaml').write_bytes(mutator.bytes(config))
        (folder / 'catalogue.json').write_bytes(mutator.bytes(catalogue))
        if kind == 0:
            train.read_config(str(folder / 'config.yaml'))
        elif kind == 1:
            read_book(folder)
        else:
            read_catalogue(folder / 'catalogue.json')
    return case


INKML = b"""<ink xmlns="http://www.w3.org/2003/InkML"><annotation type="truth">x^2</annotation>
<trace id="0">1 2, 3 4, 5 6</trace><trace id="1">7 8, 9.5 1e2</trace><traceGroup xml:id="g"><traceGroup>
<annotation type="truth">x</annotation><traceView traceDataRef="0"/></traceGroup></traceGroup></ink>"""
UNIPEN = b""".VERSION 1.0
.WRITER_ID w1
.PEN_DOWN
10 20
11 21
.PEN_UP
.PEN_DOWN
30 40
31 41
.PEN_UP
.SEGMENT CHARACTER 0-1 OK "a"
.SEGMENT CHARACTER 1 OK "b"
"""
AENEAS = {'fragments': [{'begin': '0.000', 'end': '1.500', 'id': 'f1', 'language': 'spa', 'lines': ['Platero es', 'x'],
                         'children': []}, {'begin': '1.500', 'end': '2.0', 'lines': ['']}]}


def corpora(folder):
    """InkML, UNIPEN and IDX files, aeneas maps, manifests and CSV of speech corpora."""
    from robot_ai.errors import RobotAIError
    from training.audiobook.files import read_json
    from training.characters.data import read_idx
    from training.characters.loaders import read_inkml, read_unipen
    from training.speech.loaders import load
    row = json.dumps({'audio': 'a.wav', 'text': 'hola', 'start': 0.0, 'end': 1.0}).encode()
    idx = bytes((0, 0, 8, 3)) + b''.join(n.to_bytes(4, 'big') for n in (2, 3, 3)) + bytes(18)
    (folder / 'a.wav').write_bytes(b'RIFF')

    def case(mutator):
        kind = mutator.rng.randrange(6)
        path = folder / ('case.inkml', 'case.dat', 'case.json', 'manifest.jsonl', 'case.csv', 'case.idx')[kind]
        if kind == 2:
            path.write_text(mutator.json(AENEAS), 'utf-8', 'replace')
            with contextlib.suppress(RobotAIError):
                read_json(path)
            for utterance in load(path, 'aeneas'):
                assert utterance.text
            return
        path.write_bytes(mutator.bytes((INKML, UNIPEN, b'', row + b'\n' + row, b'audio,text\na.wav,hola\n', idx)[kind]))
        if kind == 0:
            read_inkml(path)
        elif kind == 1:
            read_unipen(path)
        elif kind == 5:
            read_idx(path)
        else:
            list(load(path, ('manifest', 'csv')[kind - 3]))
    return case


def bag(folder):
    from robot_ai.bags import Bag
    source = share_directory() / 'config' / 'demo' / 'demo.mcap'
    data = source.read_bytes()
    data = data if len(data) < 3_000_000 else data[:3_000_000]
    path = folder / 'case.mcap'

    def case(mutator):
        path.write_bytes(mutator.bytes(data))
        with Bag(path) as opened:
            for number, _ in enumerate(opened.messages()):
                if number == 20:
                    break
    return case


def language_model(folder):
    from robot_ai.model_store import find_model
    from robot_ai.speech.language_model import NgramModel
    arpa = (b'\\data\\\nngram 1=3\nngram 2=1\n\n\\1-grams:\n-1.0\t<s>\t-0.5\n-1.0\ta\t-0.5\n-1.0\t</s>\n\n'
            b'\\2-grams:\n-0.3\t<s> a\n\n\\end\\\n')
    whole = NgramModel.from_arpa
    (folder / 'seed.arpa').write_bytes(arpa)
    whole(folder / 'seed.arpa').save(folder / 'seed.npz')
    npz = (folder / 'seed.npz').read_bytes()
    assert find_model('speech')

    def case(mutator):
        suffix, data = mutator.pick((('arpa', arpa), ('npz', npz)))
        path = folder / f'case.{suffix}'
        path.write_bytes(mutator.bytes(data))
        model = NgramModel.load(path)
        model.score(model.begin, 'a')
    return case


# name -> (function (folder) -> case(mutator), share of the cases, relative)
TARGETS = {
    'payload_json': (payload_json, 400), 'image': (image, 150), 'audio_message': (audio_message, 150),
    'page_frames': (page_frames, 100), 'memory': (memory, 20), 'yaml_files': (yaml_files, 20), 'corpora': (corpora, 60),
    'compressed_image': (compressed_image, 40), 'upload': (upload, 20), 'language_model': (language_model, 20),
    'sound_file': (sound_file, 10), 'dialogue': (dialogue, 4), 'training_yaml': (training_yaml, 4),
    'model_yaml': (model_yaml, 2), 'bag': (bag, 2), 'sound_stream': (sound_stream, 2),
    'page_writing': (page_writing, 1),
}


def make(name: str, folder: Path):
    """Return a target's case function; nodes' targets are named `node NAME`."""
    folder.mkdir(parents=True, exist_ok=True)
    if name.startswith('node '):
        from fuzz_nodes import make_node
        return partial(make_node, name[5:])(folder)
    return TARGETS[name][0](folder)
