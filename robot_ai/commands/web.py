"""Serve the page with the recognisers and a dialogue, without ROS. Ctrl-C ends it.

Example:
  robot-ai web
  robot-ai web --host 0.0.0.0 --port 8443

"""
import signal
import sys
import threading

from robot_ai.dialogue.document import load_dialogue
from robot_ai.errors import ModelError
from robot_ai.model_store import find_model
from robot_ai.paths import find_file
from robot_ai.web.graph import dialogue_graph
from robot_ai.web.hub import Hub
from robot_ai.web.local import LocalBackend
from robot_ai.web.security import make_access
from robot_ai.web.server import PageServer
from robot_ai.web.writing import make_writer


def add_arguments(parser):
    """Declare the options."""
    parser.add_argument('--host', default='127.0.0.1', help='address to listen on; elsewhere than on this machine '
                        'the page needs the token that is printed, and TLS is used (default: %(default)s)')
    parser.add_argument('--port', type=int, default=8080, help='port; 0: any that is free (default: %(default)s)')
    parser.add_argument('--token', default='', help='what a browser elsewhere must show (default: a random one)')
    parser.add_argument('--certificate', default='', metavar='PEM',
                        help='TLS certificate (default: made on first use)')
    parser.add_argument('--key', default='', metavar='PEM', help="the certificate's key")
    parser.add_argument('--models', default='', metavar='FOLDER',
                        help='folder of model folders (default: as shipped)')
    parser.add_argument('--dialogue', default='acompanante.yaml', metavar='FILE',
                        help="dialogue file, or 'none' (default: %(default)s)")
    parser.add_argument('--samples', default='', metavar='FOLDER',
                        help='keep corrected writing there for retraining (default: nowhere)')
    parser.add_argument('--threads', type=int, default=1,
                        help='threads for speech inference (default: %(default)s)')


def run(options) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    access = make_access(options.host, options.port, options.token, options.certificate, options.key)
    dialogue = graph = pictures = None
    if options.dialogue != 'none':
        path = find_file(options.dialogue, 'config/dialogues')
        dialogue, graph, pictures = load_dialogue(path), dialogue_graph(path), path.parent
    hub = Hub()
    recognizer = _optional(_speech, options.models, options.threads)
    writer = _optional(make_writer, options.models, options.samples)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    backend = LocalBackend(hub, recognizer, dialogue, pictures)
    server = PageServer(backend, hub, access, writer)
    try:
        server.start()
        if graph is not None:
            hub.publish('graph', graph)
        print(server.announcement, flush=True)
        ended.wait()
    finally:
        server.stop()
        backend.close()
    return 0


def _speech(models, threads):
    from robot_ai.speech.recognizer import open_recognizer
    return open_recognizer(find_model('speech', models), threads)


def _optional(make, *arguments):
    """Return what `make` makes, or None with a word on why not: the page works without."""
    try:
        return make(*arguments)
    except ModelError as error:
        print(f'robot-ai web: going on without: {error}', file=sys.stderr)
        return None
