"""Runs fixture projects for real: an app under uvicorn, against an upstream that records what it receives."""
