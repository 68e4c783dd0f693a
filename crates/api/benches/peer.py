"""The peer of throughput.rs: the `openai` client under asyncio, as its documentation shows it.

    python peer.py URL REQUESTS CONCURRENCY

prints requests a second and seconds of CPU. Needs `pip install openai httpx`.
"""

import asyncio
import sys
import time

from openai import AsyncOpenAI, DefaultAsyncHttpxClient
import httpx


async def main(url, requests, concurrency):
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    client = AsyncOpenAI(
        base_url=url,
        api_key="sk-0123456789abcdef",
        http_client=DefaultAsyncHttpxClient(limits=limits),
    )
    numbers = iter(range(requests))

    async def worker():
        for n in numbers:
            messages = [{"role": "user", "content": f"What of number {n}?"}]
            answer = await client.chat.completions.create(model="instant", messages=messages)
            assert len(answer.choices[0].message.content) == 1000

    began, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    took = time.perf_counter() - began
    print(requests / took, time.process_time() - used)


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
