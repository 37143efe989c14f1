"""A model folder in, a checked model out: reads model.yaml, checks every hash, opens the interpreter.

A folder `models/NAME/` holds the exported graph, `model.yaml` and `MODEL_CARD.md`. LiteRT runs the graphs
(161 MB installed, against TensorFlow's 1.5 GB); `tf.lite` is a fallback only, being marked for removal.
A file listed `for: training` (the weights that a training starts from) is neither needed nor read here.
Nothing is ever unpickled: a model is a flatbuffer, YAML and text.
"""
import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from robot_ai.errors import ModelError
from robot_ai.paths import share_directory
from robot_ai.yaml_files import read_yaml_file

KINDS = ('speech', 'characters', 'expressions')
NEEDED_BY = {'speech_to_text': 'speech', 'character_recognizer': 'characters', 'web': 'characters'}  # node: kind
TRAINING = 'training'  # what a file that the robot does not need is `for`
REQUIRED = ('kind', 'name', 'version', 'graph', 'files', 'labels', 'parameters')


@dataclass(frozen=True)
class ModelInfo:
    """What model.yaml says of a model whose files were found whole."""

    folder: Path
    kind: str  # one of KINDS
    name: str
    version: str
    graph: Path  # the LiteRT flatbuffer
    sha256: str  # of the graph
    labels: tuple[str, ...]
    parameters: dict  # front end, buckets, thresholds: whatever the kind's recogniser reads
    document: dict = field(repr=False)  # the whole of model.yaml

    def file(self, name: str) -> Path:
        """Return a further file of this model; ModelError where model.yaml does not list (and hash) it for a robot."""
        if name not in self.document['files'] or _for_training(self.document['files'][name]):
            raise ModelError(f'{self.folder / "model.yaml"}: lists no file {name!r}')
        return self.folder / name


@contextlib.contextmanager
def reading_parameters(info: ModelInfo) -> Iterator[dict]:
    """Give a model's parameters; whatever of them cannot be read as it should becomes a ModelError."""
    try:
        yield info.parameters
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ModelError(f'{info.folder}/model.yaml: parameters of a model of kind {info.kind!r}: {error!r}') from None


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as lower-case hex."""
    digest = hashlib.sha256()
    with open(path, 'rb') as stream:
        for block in iter(lambda: stream.read(1 << 20), b''):
            digest.update(block)
    return digest.hexdigest()


def find_model(kind: str, where: str | Path = '') -> Path:
    """Return the folder of a model of `kind`.

    `where` is a model folder, a folder of model folders, or empty for the models shipped. Raises ModelError
    where there is none, or several to choose from.
    """
    root = Path(where).expanduser() if str(where) else share_directory() / 'models'
    if (root / 'model.yaml').is_file():
        return root
    if not root.is_dir():
        raise ModelError(f'{root}: no such model folder; name a folder that holds a model.yaml')
    found = [path.parent for path in sorted(root.glob('*/model.yaml')) if _read_yaml(path).get('kind') == kind]
    if len(found) != 1:
        names = ', '.join(path.name for path in found) or 'none'
        raise ModelError(f'{root}: expected one model of kind {kind!r}, found {names}; name its folder')
    return found[0]


def models_by_node(where: str | Path) -> tuple[dict[str, str], list[str]]:
    """Return {node: its parameter `model`} for a folder given for all nodes, and what is to be said about it.

    A node whose kind of model is not among those in the folder keeps the one shipped, and a line says so. A folder
    that is missing or empty is left to the nodes to refuse.
    """
    root = Path(where).expanduser()
    paths = [root / 'model.yaml'] if (root / 'model.yaml').is_file() else sorted(root.glob('*/model.yaml'))
    held = {_read_yaml(path).get('kind') for path in paths}
    chosen = {node: str(root) for node, kind in NEEDED_BY.items() if kind in held or not held}
    return chosen, [f'{root} holds no model of kind {kind!r}: {node} uses the one shipped'
                    for node, kind in NEEDED_BY.items() if node not in chosen]


def load_model(folder: str | Path, kind: str | None = None) -> ModelInfo:
    """Read and check the model in `folder`; ModelError names the file that is missing, truncated or altered.

    `kind`, where given, is the kind that the caller can run.
    """
    folder = Path(folder)
    path = folder / 'model.yaml'
    if not path.is_file():
        raise ModelError(f'{path}: missing; a model folder holds model.yaml and the files that it lists')
    document = _read_yaml(path)
    absent = [key for key in REQUIRED if key not in document]
    if absent:
        raise ModelError(f'{path}: lacks {", ".join(absent)}')
    for key in ('kind', 'name', 'version', 'graph'):
        if isinstance(document[key], (dict, list)):
            raise ModelError(f'{path}: {key} must be one word')
    if document['kind'] not in KINDS:
        raise ModelError(f'{path}: kind {document["kind"]!r} is none of {", ".join(KINDS)}')
    if kind is not None and document['kind'] != kind:
        raise ModelError(f'{path}: is a model of kind {document["kind"]!r}, expected {kind!r}')
    for key, expected in (('files', dict), ('labels', list), ('parameters', dict)):
        if not isinstance(document[key], expected):
            raise ModelError(f'{path}: {key} must be a {"mapping" if expected is dict else "list"}')
    if any(isinstance(label, (dict, list)) for label in document['labels']):
        raise ModelError(f'{path}: labels must be a list of texts')
    if document['graph'] not in document['files'] or _for_training(document['files'][document['graph']]):
        raise ModelError(f'{path}: the graph {document["graph"]!r} is not listed under files')
    for name, facts in document['files'].items():
        if not _for_training(facts):
            check_file(folder, name, facts)
    return ModelInfo(folder, document['kind'], str(document['name']), str(document['version']),
                     folder / document['graph'], document['files'][document['graph']]['sha256'].lower(),
                     tuple(str(label) for label in document['labels']), document['parameters'], document)


def _read_yaml(path):
    document = read_yaml_file(path, ModelError)
    if not isinstance(document, dict):
        raise ModelError(f'{path}: expected a mapping')
    return document


def _for_training(facts):
    return isinstance(facts, dict) and facts.get('for') == TRAINING


def check_file(folder: Path, name: str, facts: dict) -> None:
    """Compare one file of a model folder with what model.yaml's `files` says; ModelError says what is wrong."""
    path = folder / 'model.yaml'
    if not isinstance(name, str) or Path(name).name != name:
        raise ModelError(f'{path}: file name {name!r} must be a plain name inside the model folder')
    if not isinstance(facts, dict) or not isinstance(facts.get('sha256'), str):
        raise ModelError(f'{path}: {name} has no sha256')
    file = folder / name
    if not file.is_file():
        raise ModelError(f'{file}: missing; copy the model folder again')
    size = file.stat().st_size
    if 'bytes' in facts and size != facts['bytes']:
        raise ModelError(f'{file}: {size} bytes, expected {facts["bytes"]}; copy the model folder again')
    try:
        actual = sha256_of(file)
    except OSError as error:
        raise ModelError(f'{file}: cannot be read: {error.strerror}') from None
    if actual != facts['sha256'].lower():
        raise ModelError(f'{file}: SHA-256 is {actual[:16]}..., model.yaml says {facts["sha256"][:16]}...; '
                         'the file was altered or only partly copied')


class GraphRunner:
    """Runs the signatures of a model's LiteRT graph: named NumPy arrays in, named NumPy arrays out."""

    def __init__(self, info: ModelInfo, threads: int = 1):
        """Open the graph; ModelError where the flatbuffer cannot be opened. Not thread-safe.

        It is read whole and checked once more: LiteRT would map the file, and a copy over a mapped file crashes the
        process that runs it.
        """
        self.info = info
        try:
            content = info.graph.read_bytes()
        except OSError as error:
            raise ModelError(f'{info.graph}: cannot be read: {error.strerror}') from None
        if hashlib.sha256(content).hexdigest() != info.sha256:
            raise ModelError(f'{info.graph}: was altered while it was being opened; load the model again')
        try:
            self._interpreter = _interpreter_class()(model_content=content, num_threads=threads)
            self._runners = {name: self._interpreter.get_signature_runner(name)
                             for name in self._interpreter.get_signature_list()}
        except (ValueError, RuntimeError) as error:
            raise ModelError(f'{info.graph}: LiteRT cannot open it: {error}') from None

    @property
    def signatures(self) -> tuple[str, ...]:
        """The names of the graph's signatures."""
        return tuple(self._runners)

    def run(self, signature: str, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Run one signature; shapes and dtypes must be those that the graph declares (ModelError if not)."""
        try:
            return self._runners[signature](**inputs)
        except KeyError:
            raise ModelError(f'{self.info.graph}: no signature {signature!r}; it has '
                             f'{", ".join(self._runners)}') from None
        except (ValueError, RuntimeError) as error:
            raise ModelError(f'{self.info.graph}: {signature} failed: {error}') from None


def _interpreter_class():
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        try:
            from tensorflow.lite import Interpreter
        except ImportError:
            raise ModelError('no LiteRT runtime: pip install ai-edge-litert') from None
    return Interpreter


def describe_files(folder: Path, names: list[str], training: Iterable[str] = ()) -> dict:
    """Return model.yaml's `files` mapping for files of `folder`: `names` for the robot, `training` for that alone."""
    return {name: {'sha256': sha256_of(folder / name), 'bytes': (folder / name).stat().st_size,
                   **({'for': TRAINING} if name in training else {})} for name in (*names, *training)}
