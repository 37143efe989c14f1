"""A speech model's MODEL_CARD.md from its model.yaml: what it is for, how it was made, every figure measured."""

HEAD = '''\
# {name}

Spanish speech to text: 16 kHz samples in, letter probabilities each {frame_ms} ms out. {encoder}, {parameters}, its
log-mel front end inside the graph; {weights} weights, {megabytes:.1f} MB{ngram}.

- **Meant for** short commands and answers to a robot, close to the microphone, helped by a list of expected phrases.
  **Not for** open dictation: see the rows of speakers never heard. Import or train a bigger model for that.
- **Trained** with `{command}`, {steps} steps on {clips} clips: {data}.{note} The words are
  those of the train split of the recordings named below, of other languages' clips as a Spanish ear spells them where
  `other-languages` is named, and of espeak-ng, SVOX Pico and, where `italian` is named, Italian voices of Pico and
  Festival reading generated everyday sentences, the bundled dialogue's examples, Spanish prose and single words, with
  speed, room, noise, babble, telephone and level changes.
- **Knows few Spanish voices**: one Mexican and one or two Spanish women, five actors, and synthetic voices; the many
  voices, rooms and microphones of `other-languages` speak no Spanish. Children, old people, other accents, and far
  microphones are hardly in the training data; expect more errors there.
- **Chosen on validation clips only**: the checkpoint, the decoder's weights, the confidence's calibration, and the
  confidence of {min_confidence} below which nothing is told: there {rejected} of {true} true validation clips are
  rejected, and made sounds without speech give {made_sounds_told} transcripts.
- **Licences of the training sources**, as the manifest states them: {recordings}.
  No recording ships. Whether a model is a derived work of its recordings is not settled; who needs certainty trains on
  recordings of their own with the same commands. espeak-ng (GPL-3), Pico (Apache-2.0) and Festival's voices (GPL-2) set
  no terms for the speech that they make.
'''
MEASURED = '''
## Measured

{date}, split {split}, one model, one decoding setting and one threshold for all rows; no phrase list unless
the row says so. In %, with 95 % intervals (bootstrap over clips; shares: Wilson's). Rows marked synthetic are speech of
espeak-ng voices that training never heard: people are harder. The dialogue's own texts were in the training.

| row | what | clips | figures |
| --- | --- | --- | --- |
'''


def card(document: dict, chosen: dict) -> str:
    """Return the card's text; `chosen` is what the threshold was chosen by (training/speech/release.py)."""
    training, parameters = document['training'], document['parameters']
    files = document['files']
    language_model = parameters.get('language_model')
    text = HEAD.format(
        name=document['name'], weights=document.get('weights', 'int8'), frame_ms=round(1000 * parameters['frame_s']),
        encoder='An encoder with a CTC head' + (' and an attention decoder' if 'score_B' in document['inputs'] else ''),
        parameters=f'{training["parameters"] / 1e6:.1f} M parameters',
        megabytes=files[document['graph']]['bytes'] / 1e6,
        ngram=f', and an n-gram over letters, {files[language_model["file"]]["bytes"] / 1e6:.1f} MB'
        if language_model else '', command=training['command'], steps=training['steps'], clips=training['clips'],
        data=', '.join(training['data']), note=f' {training["note"].rstrip(".")}.' if training.get('note') else '',
        recordings='; '.join(document['licences'][key] for key in ('recordings', 'other languages')
                             if key in document['licences']), **chosen)
    figures = document.get('figures') or {}
    if not figures.get('rows'):
        return text
    rows = ''.join(f'| {line["row"]} | {line["what"]}{" (" + line["note"] + ")" if line.get("note") else ""} '
                   f'| {line["clips"]} | {_figures(line)} |\n' for line in figures['rows'])
    return text + MEASURED.format(date=figures['date'], split=' and '.join(figures['split'])) + rows


def _figures(line):
    parts = []
    for name, value in line.items():
        if name in ('row', 'what', 'clips', 'note'):
            continue
        if isinstance(value, list):
            value = '{:.1f} [{:.1f}, {:.1f}]'.format(*(100 * v for v in value))
        elif isinstance(value, float):
            value = f'{value:.3f}'
        parts.append(f'{name.replace("_", " ").replace("wer", "WER").replace("cer", "CER")} {value}')
    return '; '.join(parts)
