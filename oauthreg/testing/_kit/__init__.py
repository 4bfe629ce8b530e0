"""The conformance kit for provider plugins: `tests` has the class, the rest are its parts."""
