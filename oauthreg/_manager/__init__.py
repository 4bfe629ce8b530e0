"""The two managers: what an application calls."""
