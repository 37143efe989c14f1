"""Twenty pages while the recognisers work: nothing is lost, memory stays flat; the delay of finals is printed.

ROBOT_AI_LOAD_MINUTES (default 10) is the length of each half; `pytest -s -m long` shows the figures. The halves
alternate (without pages, with pages, and again), so that a machine whose speed drifts does not decide.
"""
import asyncio
import json
import os
import re
import subprocess
import sys

import numpy as np
import psutil
import pytest
from visitors import connect, visitor

PAGES = 20
ROUNDS = 2  # of each half
MINUTES = float(os.environ.get('ROBOT_AI_LOAD_MINUTES', '10'))
BLOCK_S = 0.05
WRITE_EVERY_S = 5.0  # each page writes and lets it be read
MAX_GROWTH = 40_000_000  # bytes between the middle and the end of the run, of some 250 MB


@pytest.fixture
def server():
    process = subprocess.Popen([sys.executable, '-m', 'robot_ai.cli', 'web', '--port', '0'], stdout=subprocess.PIPE,
                               text=True)
    port = int(re.search(r':(\d+)/', process.stdout.readline())[1])
    yield process, port
    process.terminate()
    assert process.wait(30) == 0


async def ear(port, samples, seconds):
    """Speak into the page in real time for about `seconds` (whole loops); return the finals' latencies."""
    latencies = []
    async with connect(port) as page:
        await page.send('{"topic":"microphone","data":true}')

        async def hear():
            async for text in page:
                message = json.loads(text)
                if message['topic'] == 'transcript/detail':
                    latencies.append(message['data']['latency'])
        hearing = asyncio.create_task(hear())
        loop, size = asyncio.get_running_loop(), int(BLOCK_S * 16_000)
        for _ in range(max(1, round(seconds * 16_000 / len(samples)))):
            begin = loop.time()
            for number, first in enumerate(range(0, len(samples), size)):
                await asyncio.sleep(max(0, begin + number * BLOCK_S - loop.time()))
                await page.send(samples[first:first + size].tobytes())
        await asyncio.sleep(3)
        hearing.cancel()
    return latencies


@pytest.mark.long
def test_twenty_pages_lose_nothing_and_memory_is_flat(server, demo_sound):
    process, port = server
    samples, memory = np.concatenate([demo_sound, np.zeros(32_000, '<i2')]), []  # a pause between two loops
    resident = psutil.Process(process.pid).memory_info

    async def half(pages):
        ended = asyncio.Event()
        visitors = [asyncio.create_task(visitor(port, number, ended, WRITE_EVERY_S)) for number in range(pages)]
        await asyncio.sleep(1)
        latencies = await ear(port, samples, MINUTES * 60 / ROUNDS)
        ended.set()
        memory.append(resident().rss)
        return latencies, await asyncio.gather(*visitors)

    async def all_halves():
        return [await half(pages) for _ in range(ROUNDS) for pages in (0, PAGES)]
    halves = asyncio.run(all_halves())
    alone = [latency for latencies, visitors in halves for latency in latencies if not visitors]
    crowded = [latency for latencies, visitors in halves for latency in latencies if visitors]
    print(f'\nfinals: {len(alone)} without pages, {len(crowded)} with {PAGES}; delay p50 / p95: '
          f'{np.percentile(alone, 50):.3f} / {np.percentile(alone, 95):.3f} s without, '
          f'{np.percentile(crowded, 50):.3f} / {np.percentile(crowded, 95):.3f} s with; '
          f'resident MB after each half: {[round(value / 1e6) for value in memory]}')
    assert alone and len(alone) == len(crowded)
    for latencies, visitors in halves:
        assert all(seen == len(latencies) and read > 0 for seen, read in visitors)
    assert memory[-1] - memory[len(memory) // 2 - 1] < MAX_GROWTH
