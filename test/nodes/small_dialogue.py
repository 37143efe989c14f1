"""The smallest dialogue that asks a question, calls for help and rests, for tests of the node and of faults."""

SMALL = """robot_ai_dialogue: 1
name: small
start: hello
safe: waiting
intents:
  help: {urgent: true, examples: [ayuda, socorro]}
always: [{hear: help, go: call}]
states:
  hello: {say: "Hola. ¿Está bien?", on: [{hear: affirm, go: waiting}]}
  call: {say: Pido ayuda., hand_over: {person: familia, message: Pide ayuda., done: waiting, failed: waiting}}
  waiting: {rest: true}
"""
