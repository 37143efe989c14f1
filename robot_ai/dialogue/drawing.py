"""A dialogue as a picture: `mermaid(dialogue)` for documents, `svg(dialogue)` for the page, without other programs.

Layout of the SVG: a box for each top-level state with its inner states stacked inside, boxes in columns by how
many steps they lie from the start. Every state carries `data-state="its.path"`, so that a page can light it up.
"""
from html import escape

from robot_ai.dialogue.checks import label_of, transitions_of

ROW, PAD, HEAD, WIDTH, GAP_X, GAP_Y = 30, 10, 26, 190, 120, 26  # px
MAX_COLUMN = 1100  # px: a higher column is broken
STYLE = ('text{font:13px sans-serif;fill:#1a1a1a}.group{fill:#f4f1ea;stroke:#8a8172}.state{fill:#fff;stroke:#4a5a6a}'
         '.rest{fill:#e3eef5}.start{stroke-width:3}.way{fill:none;stroke:#9aa5b1;stroke-width:1}'
         '.way:hover{stroke:#b0413e;stroke-width:2.5}.label{font-size:10px;fill:#55606b}'
         '[data-current] .state{fill:#ffd86b;stroke:#7a5200;stroke-width:3}')


def mermaid(dialogue) -> str:
    """Return the dialogue as a Mermaid state diagram (version 2)."""
    lines = ['stateDiagram-v2', f'    [*] --> {_id(dialogue.leaf(dialogue.start))}']

    def declare(parent, indent):
        for path, state in dialogue.states.items():
            if state.parent != parent:
                continue
            name = path.rpartition('.')[2]
            if state.leaf:
                lines.append(f'{indent}state "{name}{" (rest)" if state.rest else ""}" as {_id(path)}')
            else:
                lines.append(f'{indent}state "{name}" as {_id(path)} {{')
                lines.append(f'{indent}    [*] --> {_id(dialogue.leaf(state.start))}')
                declare(path, indent + '    ')
                lines.append(indent + '}')
    declare('', '    ')
    for (origin, goal), labels in _merged(dialogue).items():
        lines.append(f'    {_id(origin)} --> {_id(goal)}: {_label(labels)}')
    always = [f'{label_of(r)} leads to {r.go}' for r in dialogue.always if r.go]
    if always:
        lines.append(f'    note right of {_id(dialogue.leaf(dialogue.start))}')
        lines += ['        anywhere:', *(f'        {text}' for text in always), '    end note']
    return '\n'.join(lines) + '\n'


def svg(dialogue, current: str = '') -> str:
    """Return the dialogue as an SVG document; the state `current` is lit."""
    groups = [p for p, s in dialogue.states.items() if not s.parent]
    members = {g: [p for p, s in dialogue.states.items() if s.leaf and (p == g or p.startswith(g + '.'))]
               for g in groups}
    places, boxes, width, height = _layout(dialogue, groups, members)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
           f'<title>{escape(dialogue.name)}</title><style>{STYLE}</style>',
           '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
           'orient="auto"><path d="M0 0l8 4-8 4z" fill="#6b7885"/></marker></defs>']
    for group, (x, y, high) in boxes.items():
        out.append(f'<rect class="group" x="{x}" y="{y}" width="{WIDTH}" height="{high}" rx="8"/>'
                   f'<text x="{x + PAD}" y="{y + 18}" font-weight="bold">{escape(group)}</text>')
    for (origin, goal), labels in _merged(dialogue).items():
        if goal in places and origin != goal:
            out.append(_arrow(places[origin], places[goal], f'{origin} → {goal}: {", ".join(labels)}'))
    for path, (x, y) in places.items():
        state = dialogue.states[path]
        classes = 'state' + ' rest' * state.rest + ' start' * (path == dialogue.leaf(dialogue.start))
        says = state.say[0] if state.say else ''
        name = path.partition('.')[2] or path
        out.append(f'<g data-state="{escape(path)}"{" data-current=" + chr(34) * 2 if path == current else ""}>'
                   f'<title>{escape(f"{path}: {says}" if says else path)}</title>'
                   f'<rect class="{classes}" x="{x}" y="{y}" width="{WIDTH - 2 * PAD}" height="{ROW - 6}" rx="5"/>'
                   f'<text x="{x + 8}" y="{y + 16}">{escape(name)}</text></g>')
    y = max((by + high for _, by, high in boxes.values()), default=0) + GAP_Y
    always = '; '.join(f'{label_of(r)} → {r.go}' for r in dialogue.always if r.go)
    for i, line in enumerate(_wrapped(always, max(60, width // 7))):
        out.append(f'<text class="label" x="{PAD}" y="{y + 14 * i}">{escape(line)}</text>')
    return '\n'.join([*out, '</svg>', ''])


def _merged(dialogue) -> dict:
    """Return {(origin, goal): [labels]} without what holds in every state."""
    merged = {}
    for origin, label, goal in transitions_of(dialogue):
        if origin != '*' and goal in dialogue.states and label not in merged.setdefault((origin, goal), []):
            merged[origin, goal].append(label)
    return merged


def _layout(dialogue, groups, members):
    """Return ({leaf: (x, y)}, {group: (x, y, height)}, width, height)."""
    group_of = {leaf: g for g, leaves in members.items() for leaf in leaves}
    neighbours = {g: set() for g in groups}
    for origin, goal in _merged(dialogue):
        neighbours[group_of[origin]].add(group_of[goal])
    depth, todo = {}, [(group_of[dialogue.leaf(dialogue.start)], 0)]
    while todo:
        group, level = todo.pop(0)
        if group not in depth:
            depth[group] = level
            todo += [(n, level + 1) for n in groups if n in neighbours[group]]
    last = max(depth.values(), default=0)
    columns = {}
    for group in groups:
        columns.setdefault(depth.get(group, last + 1), []).append(group)
    places, boxes, x, lowest = {}, {}, PAD, 0
    for level in sorted(columns):
        y = PAD
        for group in columns[level]:
            high = HEAD + ROW * len(members[group]) + 4
            if y > PAD and y + high > MAX_COLUMN:
                x, y = x + WIDTH + GAP_X, PAD
            boxes[group] = (x, y, high)
            for i, leaf in enumerate(members[group]):
                places[leaf] = (x + PAD, y + HEAD + ROW * i)
            y += high + GAP_Y
            lowest = max(lowest, y)
        x += WIDTH + GAP_X
    always = sum(len(label_of(r)) + len(r.go) + 5 for r in dialogue.always if r.go)
    return places, boxes, x, lowest + 40 + 14 * (always // max(60, x // 7) + 1)


def _arrow(start, end, title) -> str:
    (x1, y1), (x2, y2) = start, end
    y1, y2 = y1 + (ROW - 6) / 2, y2 + (ROW - 6) / 2
    wide = WIDTH - 2 * PAD
    if x1 < x2:
        x1, bend, away = x1 + wide, GAP_X / 2, -GAP_X / 2
    elif x1 > x2:
        x2, bend, away = x2 + wide, -GAP_X / 2, GAP_X / 2
    else:
        x1, x2 = x1 + wide, x2 + wide
        bend = away = 14 + abs(y2 - y1) / 8
    return (f'<path class="way" marker-end="url(#tip)" d="M{x1:.0f} {y1:.0f}C{x1 + bend:.0f} {y1:.0f} '
            f'{x2 + away:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"><title>{escape(title)}</title></path>')


def _wrapped(text, width):
    lines = ['']
    for part in text.split('; '):
        if len(lines[-1]) + len(part) > width:
            lines.append('')
        lines[-1] += ('; ' if lines[-1] else '') + part
    return lines


def _id(path) -> str:
    return 's_' + ''.join(c if c.isascii() and c.isalnum() else f'_{ord(c):x}_' if c not in '._' else '_'
                          for c in path)


def _label(labels) -> str:
    text = ', '.join(labels).replace(':', ' ').replace(';', ',')
    return text if len(text) <= 60 else text[:57] + '...'
