"""From findings to intents: what must hold for a call to go through a client, and what stands in the way."""
