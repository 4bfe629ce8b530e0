"""Sending one `TokenRequest` with one HTTP library; `requests` and `httpx2` are named after theirs.

They share where a request may go (`address`, `proxy`), TLS (`trust`), header fields and bodies
(`message`), name look-ups (`lookup`), idle connections (`idle`), time limits (`exchange`) and the
errors of failures (`failures`, `shortage`). `connections` and `streams` are the sockets of each.
"""
