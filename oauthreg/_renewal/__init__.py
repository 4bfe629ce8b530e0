"""The renewal engine: freshness, one request per key, backoff. Policy only; drivers do the I/O."""
