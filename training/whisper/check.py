"""An exported Whisper folder in, proof and figures out: does it agree with the Keras model, how fast is it here?"""
import time
from pathlib import Path

import numpy as np
import yaml

from robot_ai.errors import ModelError
from robot_ai.model_store import GraphRunner, load_model
from robot_ai.speech.audio import SAMPLE_RATE
from robot_ai.speech.whisper import Stepper, WhisperRecognizer

# Of logits, in units of their deviation; int8's catches lost weights, not lost precision: that is printed.
TOLERANCES = {'float32': 1e-3, 'float16': 0.05, 'int8': 1.0}
MEASURED_S, MEASURED_TOKENS = 5, 20
SHORTEST_STRIDE_S = 0.3


def check_export(model, folder: Path) -> str:
    """Compare the exported graph's logits with the Keras model's on a noise burst; ModelError where they differ."""
    graph = GraphRunner(load_model(folder, 'speech'))
    parameters = graph.info.parameters
    bucket = parameters['buckets_s'][0]
    rng = np.random.default_rng(3)
    samples = np.zeros(bucket * SAMPLE_RATE, np.float32)
    samples[:SAMPLE_RATE] = rng.standard_normal(SAMPLE_RATE) * 0.1 * np.sin(np.arange(SAMPLE_RATE) / 1500)
    tokens = rng.integers(0, model.size.vocabulary, 6).tolist()
    stepper = Stepper(graph, bucket, samples, tokens[:1], parameters['cache']['tokens'])
    exported = np.stack([stepper.logits[0], *(stepper.read([token], [0])[0] for token in tokens[1:])])
    kept = np.asarray(model.decode(model.encode(samples[None]), np.array([tokens], np.int32)))[0]
    off = float(np.abs(exported - kept).max() / kept.std())
    if not off <= TOLERANCES[graph.info.document['weights']]:
        raise ModelError(f'{folder}: the exported graph differs from the model by {off:.2g} deviations of the logits')
    return f'exported and imported logits differ by at most {off:.2g} of their deviation'


def measure(folder: Path) -> str:
    """Time one partial on this machine (CPU time, one thread), and let model.yaml's partial_stride_s follow from it."""
    recognizer = WhisperRecognizer(folder)
    rng = np.random.default_rng(5)
    sound = (rng.standard_normal(MEASURED_S * SAMPLE_RATE) * 0.05).astype(np.float32)
    spent = []
    for _ in range(2):  # the first allocates
        before = time.process_time()
        stepper = Stepper(recognizer.graph, recognizer.buckets[0], sound[:recognizer.buckets[0] * SAMPLE_RATE],
                          recognizer.prompt, recognizer.max_tokens)
        encoded = time.process_time()
        count = min(MEASURED_TOKENS, recognizer.max_tokens - len(recognizer.prompt))
        for _ in range(count):
            stepper.read([recognizer.tokenizer.start], [0])
        spent = [encoded - before, (time.process_time() - encoded) / count]
    partial = spent[0] + spent[1] * MEASURED_TOKENS
    stride = max(SHORTEST_STRIDE_S, round(2 * partial, 1))  # half of one core at most
    path = folder / 'model.yaml'
    document = yaml.safe_load(path.read_text(encoding='utf-8'))
    document['parameters']['partial_stride_s'] = stride
    path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding='utf-8')
    return (f'one thread of this machine: encoding and prompt {spent[0]:.2f} s, a token {1000 * spent[1]:.0f} ms; '
            f'a partial every {stride} s (partial_stride_s in model.yaml)')
