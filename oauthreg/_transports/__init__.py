"""Sending one `TokenRequest` with one HTTP library; each module is named after its library.

What both do alike stands in `address` (where a request may go), `proxy`, `trust`, `message`
(headers and bodies) and `exchange` (time limits, and what a failure means).
"""
