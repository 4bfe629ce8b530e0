"""Private keys: found in the forms that tools write, matched with an algorithm, used to sign.

All but `signing_key` and `sources` load cryptography or joserfc: they are imported when used.
"""
