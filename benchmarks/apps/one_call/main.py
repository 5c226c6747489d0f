"""A path operation that makes one blocking call."""

import os

import requests
from fastapi import FastAPI

UPSTREAM = os.environ["UPSTREAM"]

app = FastAPI()


@app.get("/")
async def read():
    return requests.get(f"{UPSTREAM}/a", timeout=30).json()
