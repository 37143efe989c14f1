"""Lifecycle node character_recognizer: images in, handwritten symbols and expressions out as LaTeX.

Subscribes `image` (sensor_msgs/Image: mono, rgb, bgr, rgba, bgra, 4:2:2 in both orders, bayer; 8 and 16 bits),
`image/compressed` (CompressedImage) and `recognition_context` (String JSON, transient local: vision on or off).
Publishes `characters` (String, LaTeX), `characters/detail` (String JSON, robot_ai.payloads.CharactersDetail) and,
where vision_msgs is installed, `characters/detections` (Detection2DArray). Without its model the node stays
unconfigured and its diagnostics name the file.

The newest image wins, `rate` a second at most; there is never a backlog (with `reliable` every image counts, for
replays). A reading is published once, when `stable` images in a row agree; then not again before it changes or the
paper has been away.
"""
import time
from pathlib import Path

from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import String

from robot_ai.errors import RobotAIError
from robot_ai.model_store import find_model
from robot_ai.nodes.common import RESULT_QOS, STATE_QOS, ManagedNode, Parameter, run, stream_qos
from robot_ai.nodes.image_messages import grey_of, grey_of_compressed
from robot_ai.payloads import CharactersDetail, RecognitionContext, Stamp, SymbolCandidate, SymbolDetail
from robot_ai.worker import Worker

EARLY = 1_000_000  # ns that an image may come before its turn: drivers jitter
LOSSLESS_QUEUE = 50  # images that may wait where every one counts; then the callback waits


class CharacterRecognizerNode(ManagedNode):
    """Owns the worker thread, the topics and the question what is new; see the module's docstring."""

    NAME = 'character_recognizer'
    PARAMETERS = (
        Parameter('model', '', 'model folder, or folder of model folders; empty: the models shipped'),
        Parameter('threads', 1, 'threads that inference may use', minimum=1, maximum=64),
        Parameter('rate', 5.0, 'images read at most', '1/s', 0.1, 100.0, live=True),
        Parameter('stable', 3, 'images in a row that must read the same before it is published', '', 1, 100,
                  live=True),
        Parameter('least_score', 0.3, 'score below which a reading counts as none', '', 0.0, 1.0, live=True),
        Parameter('kind', 'auto', 'what to look for: one symbol (the largest), an expression, or what there is',
                  choices=('auto', 'symbol', 'expression'), live=True),
    )

    def __init__(self, recognizer_factory=None, **node_arguments):
        """Declare the parameters.

        `recognizer_factory(models, threads)` returns what has ExpressionRecognizer's `recognize(grey)`; by default
        ExpressionRecognizer itself.
        """
        super().__init__(**node_arguments)
        self._make_recognizer = recognizer_factory or _default_recognizer
        self._recognizer = self._worker = self._detections = None
        self._publishers_made, self._context_input, self._inputs = [], None, []
        self._vision = True

    def configure(self):
        """Load the model; ModelError names what is missing or altered."""
        find_model('characters', self.setting('model'))
        self._recognizer = self._make_recognizer(self.setting('model'), self.setting('threads'))
        info = getattr(getattr(self._recognizer, 'characters', None), 'info', None)
        if info is not None:
            self.health.model(info)
        self._latex = self._make_publisher(String, 'characters')
        self._detail = self._make_publisher(String, 'characters/detail')
        detections = _detection_types()
        if detections is not None:
            self._detections = (self._make_publisher(detections['Detection2DArray'], 'characters/detections'),
                                detections)
        self._vision = True
        self._context_input = self.create_subscription(String, 'recognition_context', self._on_context, STATE_QOS)

    def cleanup(self):
        """Let go of the model, publishers and subscriptions."""
        for publisher in self._publishers_made:
            self.destroy_publisher(publisher)
        if self._context_input is not None:
            self.destroy_subscription(self._context_input)
        self._publishers_made, self._context_input = [], None
        self._recognizer = self._detections = None

    def activate(self):
        """Start the worker and take images."""
        reliable = self.setting('reliable')
        self._steady = Steady()
        self._last = None  # ns, stamp of the newest image taken
        self._worker = Worker(self._work, LOSSLESS_QUEUE if reliable else 1, wait=reliable, on_error=self.bug,
                              on_drop=lambda item: self.health.count('images dropped'), name=self.NAME)
        qos = stream_qos(reliable)
        self._inputs = [self.create_subscription(Image, 'image', self._on_image, qos),
                        self.create_subscription(CompressedImage, 'image/compressed', self._on_image, qos)]

    def deactivate(self):
        """Stop looking."""
        for subscription in self._inputs:
            self.destroy_subscription(subscription)
        self._inputs = []
        if self._worker is not None:
            self._worker.stop()
        self._worker = None

    def _make_publisher(self, kind, topic):
        self._publishers_made.append(self.create_publisher(kind, topic, RESULT_QOS))
        return self._publishers_made[-1]

    # -- callbacks, in the executor's thread

    def _on_image(self, message):
        self.health.count('images')
        if not self._vision:
            return
        stamp = Stamp(message.header.stamp.sec, message.header.stamp.nanosec).ns
        stamp = stamp or self.get_clock().now().nanoseconds
        if self._last is not None and 0 <= stamp - self._last < 1e9 / self.setting('rate') - EARLY:
            return
        self._last = stamp
        self._worker.put((message, stamp))

    def _on_context(self, message):
        try:
            vision = RecognitionContext.from_json(message.data).vision
        except RobotAIError as error:
            self.health.event(f'recognition_context: {error}')
            return
        if vision and not self._vision and self._worker is not None:
            self._worker.put(None)
        self._vision = vision
        self.health.value('vision', 'on' if vision else 'off')

    # -- the worker's thread

    def _work(self, item):
        if item is None:  # vision was off: whatever lies there is news
            self._steady.forget()
            return
        message, stamp = item
        started = time.monotonic()
        try:
            grey = grey_of(message) if isinstance(message, Image) else grey_of_compressed(message)
            expression = self._recognizer.recognize(grey)
        except RobotAIError as error:
            self.health.count('images refused')
            self.health.event(f'image: {error}')
            return
        self.health.count('images read')
        self.health.value('reading takes', time.monotonic() - started)
        kind, latex, score, symbols = self._choose(expression)
        if score < self.setting('least_score'):
            latex, symbols = '', ()
        if self._steady.see(latex, self.setting('stable')):
            self._publish(kind, latex, score, symbols, stamp, message.header)

    def _choose(self, expression):
        """Return kind, LaTeX, score and symbols of what is looked for."""
        symbols, kind = tuple(expression.symbols), self.setting('kind')
        if kind == 'symbol' and symbols:
            symbols = (max(symbols, key=lambda s: s.box.width * s.box.height),)
        if len(symbols) == 1 and kind != 'expression':
            best = symbols[0].candidates[0]
            return 'symbol', best.latex, best.score, symbols
        return 'expression', expression.latex, expression.score, symbols

    def _publish(self, kind, latex, score, symbols, stamp, header):
        items = tuple(SymbolDetail((s.box.x, s.box.y, s.box.width, s.box.height), tuple(
            SymbolCandidate(c.latex, c.score) for c in s.candidates)) for s in symbols)
        latency = max(0.0, (self.get_clock().now().nanoseconds - stamp) / 1e9)
        detail = CharactersDetail(Stamp.from_ns(stamp), latex, score, kind, items, latency=latency)
        self._detail.publish(String(data=detail.to_json()))
        self._latex.publish(String(data=latex))
        if self._detections is not None:
            self._publish_detections(items, header)
        self.health.count('readings')
        self.health.value('latency', latency)

    def _publish_detections(self, items, header):
        publisher, types = self._detections
        array = types['Detection2DArray'](header=header)
        for item in items:
            detection = types['Detection2D'](header=header)
            x, y, width, height = item.box
            box = detection.bbox
            # vision_msgs 4 (Humble and later) nests a Point2D; the version before had x and y in a Pose2D.
            centre = getattr(box.center, 'position', box.center)
            centre.x, centre.y = x + width / 2, y + height / 2
            box.size_x, box.size_y = float(width), float(height)
            for candidate in item.candidates:
                result = types['ObjectHypothesisWithPose']()
                result.hypothesis.class_id, result.hypothesis.score = candidate.latex, candidate.score
                detection.results.append(result)
            array.detections.append(detection)
        publisher.publish(array)


class Steady:
    """Says when a reading is new and has been the same for long enough."""

    def __init__(self):
        self.forget()

    def forget(self):
        """Begin anew: what is seen next is news."""
        self._shown, self._latest, self._times = '', None, 0

    def see(self, reading: str, times: int) -> bool:
        """Take the reading of one image ('' where nothing is written); return whether to publish it."""
        self._times = self._times + 1 if reading == self._latest else 1
        self._latest = reading
        if self._times < times or reading == self._shown:
            return False
        self._shown = reading  # '': the paper is gone, and the same symbol would be news again
        return bool(reading)


def _detection_types():
    """Return the classes of vision_msgs by name, or None where the package is not installed."""
    try:
        from vision_msgs import msg
    except ImportError:
        return None
    return {name: getattr(msg, name) for name in ('Detection2DArray', 'Detection2D', 'ObjectHypothesisWithPose')}


def _default_recognizer(models, threads):
    from robot_ai.vision.characters import CharacterRecognizer
    from robot_ai.vision.expressions import ExpressionRecognizer
    if models and (Path(models).expanduser() / 'model.yaml').is_file():  # one model; a formula's may lie beside it
        return ExpressionRecognizer(Path(models).expanduser().parent, threads, CharacterRecognizer(models, threads))
    return ExpressionRecognizer(models, threads)


def main(args=None):
    """Run the node until SIGINT or SIGTERM."""
    return run(CharacterRecognizerNode, args)
