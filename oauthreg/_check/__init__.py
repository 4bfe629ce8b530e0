"""Whether registrations work, step by step, as data: `oauthreg check` prints it."""
