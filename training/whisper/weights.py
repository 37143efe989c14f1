"""A `Source`'s arrays into a WhisperModel's variables: which goes where, turned how; every shape is checked."""
import re

import numpy as np

from robot_ai.errors import ModelError
from training.whisper.model import WhisperModel, sinusoids
from training.whisper.sources import Source

PARTS = {'query': 'q_proj', 'key': 'k_proj', 'value': 'v_proj', 'out': 'out_proj', 'inner': 'fc1', 'outer': 'fc2'}
NORMS = {'encoder': ('self_attn_layer_norm', 'final_layer_norm'),
         'decoder': ('self_attn_layer_norm', 'encoder_attn_layer_norm', 'final_layer_norm')}
LEAVES = {'kernel': 'weight', 'gamma': 'weight', 'beta': 'bias', 'bias': 'bias'}
TOPS = {'embedding': 'decoder.embed_tokens.weight', 'text_positions': 'decoder.embed_positions.weight',
        'sound_positions': 'encoder.embed_positions.weight'}


def their_name(path: str) -> str:
    """Return transformers' name (without 'model.') of our variable, such as 'block0/attention/query/kernel'."""
    if path in TOPS:
        return TOPS[path]
    first, *rest, leaf = path.split('/')
    kind, number = re.fullmatch(r'([a-z_]+?)(\d*)', first).groups()
    if kind == 'conv':
        return f'encoder.conv{int(number) + 1}.{LEAVES[leaf]}'
    if kind in ('norm', 'decoder_norm'):
        return f'{"encoder" if kind == "norm" else "decoder"}.layer_norm.{LEAVES[leaf]}'
    side = 'encoder' if kind == 'block' else 'decoder'
    if rest[0].startswith('norm'):
        part = NORMS[side][int(rest[0][4:])]
    elif rest[0] == 'feed_forward':
        part = PARTS[rest[1]]
    else:
        part = f'{"encoder_attn" if rest[0] == "cross" else "self_attn"}.{PARTS[rest[1]]}'
    return f'{side}.layers.{number}.{part}.{LEAVES[leaf]}'


def fill(model: WhisperModel, source: Source) -> WhisperModel:
    """Set a built model's weights from the source; ModelError names an array that is missing or misshapen."""
    unused = set(source.weights)
    for variable in model.variables:
        if not variable.path.startswith(f'{model.name}/') or 'seed' in variable.path:
            continue
        path = variable.path.split('/', 1)[1]
        name = their_name(path)
        if name not in source.weights:
            raise ModelError(f'{source.path}: the weights lack {name}')
        value = source.weights[name]
        if path.endswith('kernel'):
            value = value.T if value.ndim == 2 else np.transpose(value, range(value.ndim)[::-1])
        if tuple(value.shape) != tuple(variable.shape):
            raise ModelError(f'{source.path}: {name} is {list(source.weights[name].shape)}, the configuration asks '
                             f'for {list(variable.shape)}' + (' (turned)' if path.endswith('kernel') else ''))
        if not np.isfinite(value).all():
            raise ModelError(f'{source.path}: {name} holds values that are not finite')
        variable.assign(value)
        unused.discard(name)
    unused.discard('proj_out.weight')
    if unused:
        raise ModelError(f'{source.path}: {len(unused)} arrays are no part of Whisper, {min(unused)} the first')
    _check_fixed(source, model)
    return model


def _check_fixed(source, model):
    """Refuse what our model computes and the source would have otherwise."""
    tied = source.weights.get('proj_out.weight')
    if tied is not None and not np.array_equal(tied, source.weights['decoder.embed_tokens.weight']):
        raise ModelError(f'{source.path}: proj_out.weight is not the token embedding: not Whisper\'s architecture')
    difference = np.abs(source.weights['encoder.embed_positions.weight']
                        - sinusoids(model.size.frames, model.size.width)).max()
    if difference > 5e-3:  # float16 files: 5e-4
        raise ModelError(f'{source.path}: encoder.embed_positions.weight are not sinusoids (off by {difference:.2g})')
