"""The web node joins pages and topics: what is done on a page is published, what happens is shown."""
import asyncio
import json
import urllib.request

import numpy as np
import pytest

pytest.importorskip('rclpy')

import websockets  # noqa: E402
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from lifecycle_msgs.srv import ChangeState  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from std_msgs.msg import Bool, Int16MultiArray, String  # noqa: E402

from robot_ai.nodes.audio_messages import to_array_message  # noqa: E402
from robot_ai.nodes.common import STATE_QOS  # noqa: E402
from robot_ai.nodes.web import WebNode  # noqa: E402
from robot_ai.payloads import (  # noqa: E402
    ActionRequest,
    DialogueEvent,
    Stamp,
    StateReport,
    TranscriptDetail,
)

pytestmark = pytest.mark.ros
WAIT = 30  # s


@pytest.fixture
def web(graph, tmp_path):
    values = {'port': 0, 'model': str(tmp_path), 'reliable': True}  # no model there: the page works without
    node = WebNode(parameter_overrides=[Parameter(name, value=value) for name, value in values.items()])
    graph.add(node)
    node.port = node._server.port
    return node


def connect(node):
    name = f'127.0.0.1:{node.port}'
    return websockets.connect(f'ws://{name}/ws', origin=f'http://{name}')


async def wait_for(socket, topic):
    while True:
        message = json.loads(await asyncio.wait_for(socket.recv(), WAIT))
        if message['topic'] == topic:
            return message['data']
        if message['topic'] == 'remembered':
            for old in message['data']:
                if old['topic'] == topic:
                    return old['data']


async def ask(socket, topic, data):
    await socket.send(json.dumps({'topic': topic, 'data': data}))


async def until(condition):
    for _ in range(WAIT * 20):
        if condition():
            return
        await asyncio.sleep(0.05)
    pytest.fail('it did not happen')


def test_page_acts_on_topics(graph, web):
    details, texts = graph.listen(String, 'transcript/detail'), graph.listen(String, 'transcript')
    events, sound = graph.listen(String, 'dialogue/event'), graph.listen(Int16MultiArray, 'audio')

    async def act():
        async with connect(web) as page:
            await ask(page, 'utterance', 'qué hora es')
            assert (await wait_for(page, 'transcript/detail'))['source'] == 'text'
            await ask(page, 'dialogue/event', {'event': 'timbre'})
            await ask(page, 'microphone', True)
            assert await wait_for(page, 'microphone') is True
            await until(lambda: graph.node.count_publishers('audio') == 1)
            block = np.arange(-400, 400, dtype='<i2')
            while not sound:
                await page.send(block.tobytes())
                await asyncio.sleep(0.05)
            await ask(page, 'microphone', False)
            await until(lambda: graph.node.count_publishers('audio') == 0)
    asyncio.run(act())
    graph.wait(lambda: details and texts and events)
    assert texts[0].data == TranscriptDetail.from_json(details[0].data).text == 'qué hora es'
    assert DialogueEvent.from_json(events[0].data).event == 'timbre'
    assert np.array_equal(sound[0].data, np.arange(-400, 400))


def test_topics_are_shown_and_malformed_ones_are_not(graph, web):
    state = graph.publisher(String, 'state', STATE_QOS)
    say = graph.publisher(String, 'say')
    voice = graph.publisher(Bool, 'voice_activity')
    heard = graph.publisher(String, 'transcript/detail')
    health = graph.publisher(DiagnosticArray, 'diagnostics', 10)
    audio = graph.node.create_publisher(Int16MultiArray, 'audio', 50)

    async def look():
        async with connect(web) as page:
            heard.publish(String(data='{"text": 7}'))
            heard.publish(String(data=TranscriptDetail(Stamp(1, 2), 'hola').to_json()))
            assert (await wait_for(page, 'transcript/detail'))['text'] == 'hola'
            say.publish(String(data='¿Qué tal?'))
            assert await wait_for(page, 'say') == '¿Qué tal?'
            voice.publish(Bool(data=True))
            assert await wait_for(page, 'voice_activity') is True
            state.publish(String(data=StateReport('reposo', Stamp(3, 0)).to_json()))
            assert (await wait_for(page, 'state'))['state'] == 'reposo'
            health.publish(DiagnosticArray(status=[DiagnosticStatus(level=b'\2', name='/x', message='roto')]))
            while (shown := await wait_for(page, 'diagnostics'))['name'] != '/x':
                pass
            assert shown['level'] == 2
            await until(lambda: audio.get_subscription_count() > 0)
            audio.publish(to_array_message(np.full(1600, 3277, np.int16), 16_000))
            assert await wait_for(page, 'level') == pytest.approx(-20, abs=0.1)
        async with connect(web) as late:
            assert (await wait_for(late, 'state'))['state'] == 'reposo'
    asyncio.run(look())
    assert 'transcript/detail' in web.health.last_error


def test_page_is_the_robots_screen(graph, web):
    answers = graph.listen(String, 'dialogue/event')
    action = graph.publisher(String, 'action')
    action.publish(String(data=ActionRequest('a1', 'show_text', {'text': '3 + 4 ='}).to_json()))
    graph.wait(lambda: answers)
    first = DialogueEvent.from_json(answers[0].data)
    assert (first.id, first.status, first.why) == ('a1', 'failed', 'no page is open')

    async def look():
        async with connect(web) as page:
            await wait_for(page, 'listening')
            action.publish(String(data=ActionRequest('a2', 'show_text', {'text': '3 + 4 ='}).to_json()))
            assert (await wait_for(page, 'show'))['words'] == '3 + 4 ='
            action.publish(String(data=ActionRequest('a3', 'wave', {}).to_json()))  # somebody else's
            assert (await wait_for(page, 'action'))['id'] in ('a2', 'a3')
    asyncio.run(look())
    graph.wait(lambda: len(answers) == 2)
    assert DialogueEvent.from_json(answers[1].data) == DialogueEvent('a2', 'done')


def test_pausing_deactivates_the_recogniser(graph, web):
    asked = []

    def answer(request, response):
        asked.append(request.transition.id)
        response.success = True
        return response
    graph.node.create_service(ChangeState, 'speech_to_text/change_state', answer)
    graph.wait(lambda: web._managers['speech_to_text'].service_is_ready())

    async def pause():
        async with connect(web) as page:
            assert await wait_for(page, 'listening') is True
            await ask(page, 'listening', False)
            assert await wait_for(page, 'listening') is False
            await ask(page, 'listening', True)
            assert await wait_for(page, 'listening') is True
    asyncio.run(pause())
    assert asked == [4, 3]  # deactivate, activate


def test_port_in_use_refuses_activation_with_the_reason_and_the_port_is_free_after(graph, web):
    second = WebNode(parameter_overrides=[Parameter('port', value=web.port)])
    graph.add(second, activate=False)
    assert second.trigger_configure().name == 'SUCCESS'
    assert second.trigger_activate().name == 'FAILURE'
    assert 'choose another port' in second.health.last_error
    assert web.trigger_deactivate().name == 'SUCCESS'
    assert second.trigger_activate().name == 'SUCCESS'
    with urllib.request.urlopen(f'http://127.0.0.1:{web.port}/', timeout=WAIT) as reply:
        assert reply.status == 200
