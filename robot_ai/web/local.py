"""The recognisers and the dialogue behind the page, without ROS: what `robot-ai web` runs.

One worker thread does everything in order: sound, typed sentences, writing, timers. The dialogue's actions are
shown on the page; those that need a robot are answered as failed, so that the dialogue takes its way out.
"""
import json
import queue
import threading
import time
from dataclasses import asdict

import numpy as np

from robot_ai.dialogue.events import Act, ActionResult, Heard, Listen, Named, Say, Tick, seen
from robot_ai.dialogue.machine import DialogueMachine
from robot_ai.payloads import ActionRequest, DialogueEvent, Stamp, StateReport, TranscriptDetail, WordDetail
from robot_ai.speech.audio import SAMPLE_RATE
from robot_ai.web.hub import Hub
from robot_ai.web.server import Backend
from robot_ai.web.showing import Screen

QUEUE_LENGTH = 400  # messages: 20 s of sound in blocks of 50 ms
TICK_S = 0.1  # between looks at the dialogue's timers
SILENT_AFTER_S = 1.5  # without sound: what was being said is over


class LocalBackend(Backend):
    """Runs a SpeechRecognizer and a dialogue; `close` ends its thread."""

    def __init__(self, hub: Hub, recognizer=None, dialogue=None, pictures=None):
        """Start; `recognizer` None: typed sentences only. `dialogue` None: nothing reacts.

        `pictures` is the folder that the dialogue's pictures lie in.
        """
        self._hub, self._screen = hub, Screen(hub, pictures)
        self._stream = recognizer.stream() if recognizer is not None else None
        self._origin = None  # s of wall time at the stream's begin
        self._heard_at = 0.0
        self._listening = True
        self._machine = DialogueMachine(dialogue, time.time()) if dialogue is not None else None
        self._dialogue = dialogue
        self._queue = queue.Queue(QUEUE_LENGTH)
        self._stopping = threading.Event()
        hub.publish('listening', True)
        self._thread = threading.Thread(target=self._run, name='recognisers', daemon=True)
        self._thread.start()

    def close(self):
        """End the thread."""
        self._stopping.set()
        self._thread.join(10)

    # -- from pages, any thread

    def audio(self, samples):
        """Queue sound; where the recogniser is 20 s behind, it is dropped."""
        self._put(('audio', samples, time.time()))

    def utterance(self, text):
        """Queue a typed sentence."""
        self._put(('utterance', text))

    def event(self, event):
        """Queue a dialogue event."""
        self._put(('event', event))

    def written(self, detail):
        """Queue what was written."""
        self._put(('written', detail))

    def listening(self, on):
        """Pause or resume."""
        self._put(('listening', on))

    def _put(self, item):
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            self._hub.publish('error', 'too much at once: something was dropped')

    # -- the worker's thread

    def _run(self):
        self._feed(Tick(), time.time())
        while not self._stopping.is_set():
            try:
                kind, *arguments = self._queue.get(timeout=TICK_S)
            except queue.Empty:
                kind = None
            if kind is not None:
                getattr(self, f'_do_{kind}')(*arguments)
            now = time.time()
            if self._origin is not None and now - self._heard_at > SILENT_AFTER_S:
                self._end_stream()
            if self._machine is not None and (self._machine.next_deadline or np.inf) <= now:
                self._feed(Tick(), now)

    def _do_audio(self, samples, received):
        if not self._listening or self._stream is None:
            return
        sound = samples.astype(np.float32) / 32768
        if self._origin is None:
            self._origin = received - len(sound) / SAMPLE_RATE
        self._heard_at = time.time()
        level = 10 * float(np.log10(np.mean(sound * sound) + 1e-6))
        self._hub.publish('level', round(level, 1))
        self._publish_results(self._stream.accept(sound))

    def _do_utterance(self, text):
        self._heard(TranscriptDetail(self.now(), text, source='text'))

    def _do_event(self, event):
        if event.id:
            self._feed(ActionResult(event.id, event.status == 'done', event.why), time.time())
        elif event.event:
            self._feed(Named(event.event, event.data), time.time())

    def _do_written(self, detail):
        self._hub.publish('characters/detail', asdict(detail))
        self._feed(seen(detail), time.time())

    def _do_listening(self, on):
        if not on:
            self._end_stream()
        self._listening = on
        self._hub.publish('listening', on)

    def _end_stream(self):
        if self._origin is not None:
            self._publish_results(self._stream.finish())
            self._stream.reset()
            self._origin = None
            self._hub.publish('voice_activity', False)

    def _publish_results(self, results):
        for result in results:
            kind = type(result).__name__
            if kind == 'VoiceActivity':
                self._hub.publish('voice_activity', result.active)
            elif kind == 'Partial':
                self._hub.publish('transcript/partial', result.text)
            elif result.text:
                words = tuple(WordDetail(w.text, w.start - result.start, w.end - result.start, w.confidence)
                              for w in result.words)
                begin = self._origin + result.start
                self._heard(TranscriptDetail(
                    Stamp.from_ns(round(begin * 1e9)), result.text, result.confidence, words, result.language,
                    result.end - result.start, max(0.0, time.time() - self._origin - result.end)))

    def _heard(self, detail):
        self._hub.publish('transcript/detail', asdict(detail))
        self._feed(Heard(detail.text, detail.confidence), time.time())

    def _feed(self, event, now):
        if self._machine is None:
            return
        for output in self._machine.handle(event, now):
            if isinstance(output, Say):
                self._hub.publish('say', output.text)
            elif isinstance(output, Listen):
                if self._stream is not None:
                    self._stream.set_context(phrases=output.phrases, profile=output.endpointing)
            elif isinstance(output, Act):
                self._hub.publish('action', asdict(ActionRequest(output.id, output.name, output.arguments)))
                self._perform(output)
            else:
                report = StateReport(output.state, Stamp.from_ns(round(output.since * 1e9)), output.last_event,
                                     output.why, self._dialogue.name)
                self._hub.publish('state', json.loads(report.to_json()))

    def _perform(self, action):
        """Answer an action after what is being done now, as a performer beside the robot would."""
        why = 'the page alone cannot do this'
        if self._screen.performs(action.name):
            why = self._screen.perform(action.name, action.arguments)
        self._put(('event', DialogueEvent(action.id, 'failed' if why else 'done', why)))
