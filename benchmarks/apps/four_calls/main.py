"""A path operation that makes four calls at once, in a pool of threads."""

import os
from concurrent.futures import ThreadPoolExecutor

import requests
from fastapi import FastAPI

UPSTREAM = os.environ["UPSTREAM"]

app = FastAPI()


def fetch(name: str):
    return requests.get(f"{UPSTREAM}/{name}", timeout=30).json()


@app.get("/")
async def read():
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(fetch, ["a", "b", "c", "d"]))
