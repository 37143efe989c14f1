"""A WhisperModel in, a model folder that robot_ai opens out: LiteRT graph, vocabulary, model.yaml, card.

For each length B (s): `encode_B` (samples -> keys, values of cross-attention) and, for K = 1 and the number of beams,
`step_K_B`: one token of each beam against the caches -> logits, the token's keys and values, attention's scores.
"""
from pathlib import Path

import yaml

from robot_ai.model_store import describe_files
from training import litert
from training.weights import WEIGHTS, named_weights, ship_weights, to_numpy
from training.whisper.model import FRAME_SAMPLES, WhisperModel
from training.whisper.sources import Source

GRAPH, TOKENS = 'whisper.tflite', 'tokens.json'
MAX_TOKENS = 224  # prompt and transcript: half of what the decoder was trained on, as in OpenAI's decoding
LICENCES = {'weights': "OpenAI's Whisper weights are MIT; a fine-tuned copy has its maker's licence: see where it "
                       'was downloaded'}


def to_flatbuffer(model: WhisperModel, buckets_s: list[int], beams: int, heads: list[list[int]], tokens: int,
                  weights: str = 'float32') -> bytes:
    """Return the LiteRT flatbuffer; `heads` are the alignment heads, [layer, head], `tokens` the cache's length."""
    import tensorflow as tf

    size, signatures = model.size, {}
    layers, places = size.decoder_blocks, sorted(map(tuple, heads))
    for bucket in buckets_s:
        samples = bucket * 16000
        shape = [layers, size.decoder_heads, samples // FRAME_SAMPLES, size.width // size.decoder_heads]

        @tf.function(input_signature=[tf.TensorSpec([1, samples], tf.float32, 'samples')])
        def encode(samples):
            keys, values = model.memory_keys_values(model.encode(samples))
            return {'keys': keys, 'values': values}
        signatures[f'encode_{bucket}'] = encode
        for width in sorted({1, beams}):
            own = [layers, width, size.decoder_heads, tokens, shape[-1]]

            @tf.function(input_signature=[
                tf.TensorSpec([width], tf.int32, 'tokens'), tf.TensorSpec([1], tf.int32, 'position'),
                tf.TensorSpec(own, tf.float32, 'own_keys'), tf.TensorSpec(own, tf.float32, 'own_values'),
                tf.TensorSpec(shape, tf.float32, 'keys'), tf.TensorSpec(shape, tf.float32, 'values')])
            def step(tokens, position, own_keys, own_values, keys, values):
                logits, new_keys, new_values, scores = model.step(tokens, position, own_keys, own_values, keys, values)
                attention = tf.stack([scores[layer, :, head] for layer, head in places])
                return {'logits': logits, 'new_keys': new_keys, 'new_values': new_values, 'attention': attention}
            signatures[f'step_{width}_{bucket}'] = step
    return litert.to_flatbuffer(model.variables, signatures, weights)


def write_folder(model: WhisperModel, source: Source, out: Path, buckets_s: list[int], beams: int = 5,
                 language: str = 'es', weights: str = 'float16', trainable: bool = False,
                 facts: dict | None = None) -> None:
    """Write the model folder; `trainable` adds the weights that fine-tuning starts from."""
    size = model.size
    tokens = min(MAX_TOKENS, size.positions)
    out.mkdir(parents=True, exist_ok=True)
    heads = source.decoding['alignment_heads']
    (out / GRAPH).write_bytes(to_flatbuffer(model, buckets_s, beams, heads, tokens, weights))
    source.tokenizer.save(out / TOKENS)
    if trainable:
        ship_weights({key: to_numpy(v) for key, v in named_weights(model).items()}, out)
    width = size.width // size.decoder_heads
    document = {
        'kind': 'speech', 'name': out.name, 'version': '1', 'graph': GRAPH,
        'files': describe_files(out, [GRAPH, TOKENS], [WEIGHTS] if trainable else []),
        'labels': [],
        'parameters': {
            'architecture': 'whisper', 'sample_rate': 16000, 'frame_s': FRAME_SAMPLES / 16000,
            'buckets_s': list(buckets_s), 'language': language, 'task': 'transcribe', 'tokenizer': TOKENS,
            'beams': beams, 'timestamps': False, 'phrase_boost': 2.0,
            'cache': {'layers': size.decoder_blocks, 'heads': size.decoder_heads, 'tokens': tokens, 'width': width},
            'front_end': dict(model.features.settings), 'size': dict(size.__dict__), **source.decoding},
        'inputs': {'encode_B': {'samples': 'float32 [1, B * 16000], -1..1'},
                   'step_K_B': {'tokens': 'int32 [K]', 'position': 'int32 [1]',
                                'own_keys, own_values': f'float32 [L, K, H, {tokens}, d], tokens before `position`',
                                'keys, values': "encode_B's"}},
        'outputs': {'encode_B': {'keys, values': 'float32 [L, H, B * 50, d]'},
                    'step_K_B': {'logits': 'float32 [K, V]', 'new_keys, new_values': 'float32 [L, K, H, 1, d]',
                                 'attention': 'float32 [A, K, B * 50], alignment heads, before softmax'}},
        'licences': LICENCES, 'origin': source.origin, 'weights': weights, **(facts or {})}
    (out / 'model.yaml').write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding='utf-8')
    (out / 'MODEL_CARD.md').write_text(card(model, source, document), encoding='utf-8')


def card(model, source, document) -> str:
    """Return the model card's text."""
    size, parameters = model.size, document['parameters']
    return f"""# {document['name']}: Whisper, imported

{model.count_params() / 1e6:.1f} M parameters ({size.blocks} + {size.decoder_blocks} blocks of width {size.width},
{size.mels} mels), {document['weights']} weights, from: {source.origin}. Made by `python -m training import-whisper`.

Input: 16 kHz mono sound, windows of {', '.join(map(str, parameters['buckets_s']))} s. Output: written text in
{parameters['language']}, word times from cross-attention, confidences that are not calibrated.

What it was trained on, how well it hears and where it fails: see the card of the weights that were imported, and
"Robust Speech Recognition via Large-Scale Weak Supervision" (arXiv:2212.04356). Known: it may write words where
nobody spoke, above all in silence and music, and may repeat itself; robot_ai drops what its guards recognise of that.

Licence: {LICENCES['weights']}.
"""
