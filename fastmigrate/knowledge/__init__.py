"""What is known of libraries, as data: what blocks, what the requests API becomes in httpx, and how faithfully."""
