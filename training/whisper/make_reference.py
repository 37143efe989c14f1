"""Make the reference vectors of Whisper's tests with `transformers`: weights, tokens and features to be equal to.

Run once, where torch and transformers are installed (the tests need neither); versions go into reference.json:
  python training/whisper/make_reference.py training/whisper/testdata
"""
import json
import sys
from pathlib import Path

import numpy as np

INPUTS = 200
SECONDS = 2  # of a window
NEW_TOKENS = 24
TEXTS = ['hola, ¿qué tal? quiero un vaso de agua fría', 'enciende la luz de la cocina y apaga la televisión',
         'mañana por la mañana llamaré a mi hermana María', "it's a nice day, isn't it? turn the light on",
         'el niño pequeño tiene 25 años y 3 perros']
PROBES = ['Hola, ¿qué tal estás?', ' enciende  la luz\n', "it's 25 ºC; don't!", 'ñandú 漢字 😀 2²', '']


def sound(index: int) -> np.ndarray:
    """Return the index-th input, float32 [n] of at most SECONDS s: tones that come and go, and noise."""
    rng = np.random.default_rng(index)
    n = int(rng.integers(8000, SECONDS * 16000 + 1))
    t = np.arange(n) / 16000
    out = 0.02 * rng.standard_normal(n)
    for _ in range(4):
        hz, at, width = rng.uniform(100, 4000), rng.uniform(0, n / 16000), rng.uniform(0.05, 0.4)
        out += rng.uniform(0.05, 0.3) * np.sin(2 * np.pi * hz * t) * np.exp(-((t - at) / width) ** 2)
    return out.astype(np.float32)


def tokenizer_files(folder: Path):
    """Train a small byte-level BPE with Whisper's special tokens; write tokenizer.json and return the tokenizer."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(TEXTS * 5, trainers.BpeTrainer(vocab_size=380, initial_alphabet=alphabet,
                                                                 show_progress=False))
    names = ['<|endoftext|>', '<|startoftranscript|>', '<|en|>', '<|es|>', '<|translate|>', '<|transcribe|>',
             '<|startoflm|>', '<|startofprev|>', '<|nospeech|>', '<|notimestamps|>',
             *(f'<|{i * 0.02:.2f}|>' for i in range(SECONDS * 50 + 1))]
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in names])
    tokenizer.save(str(folder / 'tokenizer.json'))
    return tokenizer


def make_model(folder: Path, tokenizer):
    """Write a randomly initialised Whisper of 0.2 M parameters as float16, and return it as read back."""
    import torch
    from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration
    torch.manual_seed(1)
    ids = {name: tokenizer.token_to_id(name) for name in tokenizer.get_vocab() if name.startswith('<|')}
    special = {'bos_token_id': ids['<|endoftext|>'], 'eos_token_id': ids['<|endoftext|>'],
               'pad_token_id': ids['<|endoftext|>'], 'decoder_start_token_id': ids['<|startoftranscript|>']}
    config = WhisperConfig(
        vocab_size=tokenizer.get_vocab_size(), num_mel_bins=80, d_model=48, encoder_layers=2, decoder_layers=2,
        encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=96, decoder_ffn_dim=192,
        max_source_positions=SECONDS * 50, max_target_positions=64, init_std=0.25, suppress_tokens=None,
        begin_suppress_tokens=None, **special)
    model = WhisperForConditionalGeneration(config)
    with torch.no_grad():  # a random decoder hardly looks at the sound, or repeats itself: make it do otherwise
        for layer in model.model.decoder.layers:
            layer.encoder_attn.out_proj.weight *= 6
        model.model.decoder.embed_positions.weight *= 4
    model.generation_config = GenerationConfig(
        **special, max_length=64, lang_to_id={'<|en|>': ids['<|en|>'], '<|es|>': ids['<|es|>']},
        task_to_id={task: ids[f'<|{task}|>'] for task in ('transcribe', 'translate')}, is_multilingual=True,
        no_timestamps_token_id=ids['<|notimestamps|>'], suppress_tokens=[1, 7, 11, 40, ids['<|translate|>']],
        begin_suppress_tokens=[tokenizer.encode(' ').ids[0], ids['<|endoftext|>']], alignment_heads=[[1, 0], [1, 2]],
        max_initial_timestamp_index=50, prev_sot_token_id=ids['<|startofprev|>'])
    model.half().save_pretrained(folder)
    WhisperFeatureExtractor(chunk_length=SECONDS).save_pretrained(folder)
    return WhisperForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()


def main(folder: Path):
    """Write everything into the folder."""
    import torch
    import transformers
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tokenizer_files(folder)
    model = make_model(folder, tokenizer)
    extract = transformers.WhisperFeatureExtractor(chunk_length=SECONDS)
    extract_128 = transformers.WhisperFeatureExtractor(feature_size=128, chunk_length=SECONDS)
    mels = torch.from_numpy(np.concatenate([extract(sound(i), sampling_rate=16000, return_tensors='np').input_features
                                            for i in range(INPUTS)]))
    arrays = {'mel_0': mels[0].numpy(),
              'mel128_1': extract_128(sound(1), sampling_rate=16000, return_tensors='np').input_features[0]}
    with torch.no_grad():
        memory = model.model.encoder(mels[:2]).last_hidden_state
        tokens = torch.randint(0, 370, (2, 12), generator=torch.Generator().manual_seed(2))
        arrays.update(memory=memory.numpy(), tokens=tokens.numpy().astype(np.int32),
                      logits=model(mels[:2], decoder_input_ids=tokens).logits.numpy())
        arrays['greedy'] = generate(model, mels)
        arrays['beams'] = generate(model, mels[:40], 3)
        arrays['times'] = with_times(model, mels[:40])
    np.savez_compressed(folder / 'reference.npz', **arrays)
    (folder / 'reference.json').write_text(json.dumps({
        'transformers': transformers.__version__, 'torch': torch.__version__, 'numpy': np.__version__,
        'encoded': {text: tokenizer.encode(text).ids for text in [*TEXTS, *PROBES]},
    }, ensure_ascii=False, indent=1), encoding='utf-8')
    for name in ('greedy', 'times', 'beams'):
        found = arrays[name]
        print(name, found.shape, 'distinct rows', len({tuple(row) for row in found}), 'lengths', np.bincount(
            (found >= 0).sum(axis=1)), 'distinct tokens', len(set(found.ravel().tolist())))


def generate(model, mels, beams: int = 1) -> np.ndarray:
    """Return the tokens after the prompt, int16 [N, NEW_TOKENS], -1 after the end.

    Whisper's own `generate` would go on to a further window wherever a random model says a time.
    """
    import torch
    from transformers import GenerationConfig
    from transformers.generation import GenerationMixin
    config = model.generation_config
    prompt = torch.tensor([[config.decoder_start_token_id, config.lang_to_id['<|es|>'],
                            config.task_to_id['transcribe'], config.no_timestamps_token_id]])
    options = GenerationConfig(
        max_new_tokens=NEW_TOKENS, num_beams=beams, do_sample=False, suppress_tokens=config.suppress_tokens,
        begin_suppress_tokens=config.begin_suppress_tokens, eos_token_id=config.eos_token_id,
        pad_token_id=config.eos_token_id, decoder_start_token_id=config.decoder_start_token_id)
    out = GenerationMixin.generate(model, mels, decoder_input_ids=prompt.expand(len(mels), -1),
                                   generation_config=options)
    return table(out[:, prompt.shape[1]:].tolist(), config.eos_token_id)


def with_times(model, mels) -> np.ndarray:
    """Return the greedy tokens with timestamps, by transformers' processors: its `generate` would read on."""
    import torch
    from transformers import (
        SuppressTokensAtBeginLogitsProcessor,
        SuppressTokensLogitsProcessor,
        WhisperTimeStampLogitsProcessor,
    )
    config = model.generation_config
    prompt = [config.decoder_start_token_id, config.lang_to_id['<|es|>'], config.task_to_id['transcribe']]
    processors = [SuppressTokensLogitsProcessor(config.suppress_tokens),
                  SuppressTokensAtBeginLogitsProcessor(config.begin_suppress_tokens, len(prompt)),
                  WhisperTimeStampLogitsProcessor(config, begin_index=len(prompt))]
    rows = []
    for mel in mels:
        ids = torch.tensor([prompt])
        while ids.shape[1] < len(prompt) + NEW_TOKENS and (ids[0, -1] != config.eos_token_id or ids.shape[1] == 3):
            scores = model(mel[None], decoder_input_ids=ids).logits[:, -1]
            for process in processors:
                scores = process(ids, scores)
            ids = torch.cat([ids, scores.argmax(-1)[:, None]], dim=1)
        rows.append(ids[0, len(prompt):].tolist())
    return table(rows, config.eos_token_id)


def table(rows, end) -> np.ndarray:
    """Return lists of tokens as int16 [N, NEW_TOKENS], cut at the end, -1 after it."""
    out = np.full((len(rows), NEW_TOKENS), -1, np.int16)
    for row, ids in zip(out, rows):
        ids = ids[:ids.index(end)] if end in ids else ids
        row[:len(ids)] = ids
    return out


if __name__ == '__main__':
    main(Path(sys.argv[1]))
