"""A dialogue file -> what the state panel shows of it: its drawing, and the events that it listens for."""
from pathlib import Path

from robot_ai.dialogue.document import load_dialogue
from robot_ai.dialogue.drawing import STYLE, svg


def dialogue_graph(path: str | Path) -> dict:
    """Return {'svg': the drawing, 'events': names in alphabetical order}; DialogueError for a bad file."""
    dialogue = load_dialogue(path)
    drawing = svg(dialogue).replace(f'<style>{STYLE}</style>', '')  # the page has it as graph.css: no inline styles
    reactions = [*dialogue.always, *(reaction for state in dialogue.states.values() for reaction in state.on)]
    return {'svg': drawing, 'events': sorted({name for reaction in reactions for name in reaction.event})}
