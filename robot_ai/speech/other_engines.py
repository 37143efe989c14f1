"""SpeechRecognition's sound and engines: its AudioData for our recogniser, its recognisers in ours' place.

Endpointing, cleaning and events stay ours; the engine only turns each utterance into text, so it gives no
partials, no word times and no confidence. An engine that sends sound to somebody's servers needs an explicit
opt-in and warns.
"""
import json
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from robot_ai.errors import AudioError, ConfigurationError
from robot_ai.speech import spanish
from robot_ai.speech.audio import SAMPLE_RATE, to_mono_16k
from robot_ai.speech.cleaning import HighPass, set_level
from robot_ai.speech.endpointing import find_profile
from robot_ai.speech.guard import MIN_VOICE
from robot_ai.speech.recognizer import Candidate, Final, SpeechStream, checked, open_recognizer

OURS = 'robot_ai'
PACKAGES = {'vosk': 'vosk', 'whisper': 'openai-whisper', 'faster_whisper': 'faster-whisper', 'sphinx': 'pocketsphinx'}
CLOUD_ENGINES = ('google', 'google_cloud', 'openai', 'groq')
ENGINES = (OURS, *PACKAGES, *CLOUD_ENGINES)
PCM = {1: np.uint8, 2: np.int16, 4: np.int32}  # AudioData's sample_width -> dtype


def samples_of(audio) -> np.ndarray:
    """Return a `speech_recognition.AudioData` as float32 [n], 16 kHz: what `SpeechRecognizer` takes."""
    width = audio.sample_width
    if width == 3:
        return to_mono_16k(np.frombuffer(audio.get_raw_data(convert_width=4), np.int32), audio.sample_rate)
    if width not in PCM:
        raise AudioError(f'AudioData of {width} bytes a sample: expected 1 to 4')
    return to_mono_16k(np.frombuffer(audio.frame_data, PCM[width]), audio.sample_rate)


def audio_data_of(samples: np.ndarray):
    """Return float32 [n] at 16 kHz as a `speech_recognition.AudioData` of 16 bit."""
    from speech_recognition import AudioData
    pcm = (np.clip(samples, -1, 1) * 32767).astype('<i2').tobytes()
    return AudioData(pcm, SAMPLE_RATE, 2)


def make_recognizer(engine: str, model_folder, threads: int = 1, phrases: Iterable[str] = (),
                    profile: str = 'normal', allow_cloud: bool = False, **engine_options):
    """Return our recogniser (`engine` 'robot_ai'), or another engine with the same methods.

    `engine_options` go to SpeechRecognition's `recognize_<engine>` (vosk: `model`, a folder; the whispers: `model`, a
    name or a path). Raises ConfigurationError where the engine is unknown, not installed, without its model (nothing
    is downloaded), or in the cloud without `allow_cloud`.
    """
    if engine == OURS:
        return open_recognizer(model_folder, threads, phrases, profile)
    return EngineRecognizer(engine, profile, allow_cloud, **engine_options)


class EngineRecognizer:
    """An engine of SpeechRecognition's with the methods of `SpeechRecognizer`."""

    decoder = None
    min_voice = MIN_VOICE

    def __init__(self, engine: str, profile: str = 'normal', allow_cloud: bool = False,
                 language: str = 'es', **options):
        """Open the engine; see `make_recognizer`."""
        if engine not in ENGINES[1:]:
            raise ConfigurationError(f'speech engine {engine!r}: expected one of {", ".join(ENGINES)}')
        if engine in CLOUD_ENGINES:
            if not allow_cloud:
                raise ConfigurationError(f'speech engine {engine!r} sends what people say to a company; '
                                         'set allow_cloud to agree to that, or use robot_ai')
            logging.getLogger(__name__).warning('every utterance is sent to the servers of the engine %r', engine)
        find_profile(profile)
        self.engine, self.profile, self.language = engine, profile, language
        self._recognize = _opened(engine, language, options)

    def recognize(self, samples: np.ndarray) -> Final:
        """Recognise one utterance, float32 [n]; the text may be empty."""
        return self.finalize(HighPass().whole(checked(samples)), 0.0, None)

    def transcribe(self, samples: np.ndarray, profile: str | None = None) -> list[Final]:
        """Recognise a whole recording, float32 [n], utterance by utterance."""
        stream = SpeechStream(self, profile or self.profile, partials=False)
        return [event for event in [*stream.accept(samples), *stream.finish()] if isinstance(event, Final)]

    def stream(self) -> SpeechStream:
        """Return a stream; it gives voice activity and finals."""
        return SpeechStream(self, self.profile, partials=False)

    def decoder_for(self, phrases: Iterable[str]):
        """Ignore expected phrases: these engines take none through SpeechRecognition."""
        return None

    def finalize(self, filtered: np.ndarray, offset: float, decoder) -> Final:
        """Recognise one high-passed utterance, float32 [n], that begins at `offset` (s)."""
        text = spanish.normalize(self._recognize(audio_data_of(set_level(filtered))))
        return Final(text, (), 1.0 if text else 0.0, self.language, offset, offset + len(filtered) / SAMPLE_RATE,
                     (Candidate(text, 1.0),))

    def is_speech(self, final: Final) -> bool:
        """Return whether the engine heard anything."""
        return bool(final.text)


def _opened(engine, language, options) -> Callable:
    """Return the function AudioData -> text; the whispers' weights are read once, here."""
    import speech_recognition as sr
    try:
        if engine in ('whisper', 'faster_whisper'):
            return _whisper(engine, language, options)
        if engine == 'vosk':
            return _vosk(options)
        if engine == 'sphinx':
            import pocketsphinx  # noqa: F401
    except ImportError as error:
        raise ConfigurationError(f'speech engine {engine!r} is not installed ({error}): pip install '
                                 f'{PACKAGES.get(engine, engine)}') from None
    function = getattr(sr.Recognizer(), f'recognize_{engine}', None)
    if function is None:
        raise ConfigurationError(f'this SpeechRecognition ({sr.__version__}) has no engine {engine!r}')
    if engine in ('google', 'google_cloud', 'openai', 'groq'):
        options = {'language': language, **options}

    def recognize(audio):
        try:
            return str(function(audio, **options))
        except sr.UnknownValueError:
            return ''
        except (sr.RequestError, sr.exceptions.SetupError, OSError) as error:
            raise ConfigurationError(f'speech engine {engine!r} failed: {error}') from None
    return recognize


def _vosk(options):
    """Return vosk's function; SpeechRecognition's own would read the model again for each utterance."""
    import speech_recognition
    import vosk
    vosk.SetLogLevel(-1)
    folder = Path(options.get('model') or Path(speech_recognition.__file__).parent / 'models' / 'vosk').expanduser()
    if not folder.is_dir():
        raise ConfigurationError(f"speech engine 'vosk' has no model: {folder} is no folder; `sprc download vosk` "
                                 'fetches one, or name the folder of another as its model')
    try:
        model = vosk.Model(str(folder))
    except Exception as error:  # it raises plain Exception where files are missing
        raise ConfigurationError(f"speech engine 'vosk': {folder} cannot be used as a model: {error}") from None

    def recognize(audio):
        recognizer = vosk.KaldiRecognizer(model, SAMPLE_RATE)
        recognizer.AcceptWaveform(audio.get_raw_data(convert_rate=SAMPLE_RATE, convert_width=2))
        return json.loads(recognizer.FinalResult())['text']
    return recognize


def _whisper(engine, language, options):
    from speech_recognition.recognizers.whisper_local.base import WhisperCompatibleRecognizer
    options = dict(options)
    name = options.pop('model', '') or 'base'
    if engine == 'whisper':
        import whisper
        from speech_recognition.recognizers.whisper_local.whisper import TranscribableAdapter

        def load():
            url = whisper._MODELS.get(name)  # where load_model would download it from
            cache = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache') / 'whisper'
            if url and not (cache / Path(url).name).is_file():
                raise FileNotFoundError(f'{cache / Path(url).name} does not exist')
            return whisper.load_model(name)
    else:
        from faster_whisper import WhisperModel
        from speech_recognition.recognizers.whisper_local.faster_whisper import TranscribableAdapter

        def load():
            return WhisperModel(name, local_files_only=True)
    try:
        model = load()
    except Exception as error:  # of the hub's client, of CTranslate2, of the file system
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ConfigurationError(f'speech engine {engine!r} cannot load its model {name!r}, and nothing is downloaded '
                                 f'while the robot runs: {reason[0]}') from None
    compatible = WhisperCompatibleRecognizer(TranscribableAdapter(model))
    return lambda audio: compatible.recognize(audio, language=language, **options)
