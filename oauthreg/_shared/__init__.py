"""What is kept in a store: tokens, logins and failures as sealed bytes under names.

A store (`oauthreg.stores`) knows names and bytes only. Here is what they mean: `entries` are the
records and their bytes, `seal` and `key_ring` encrypt them, `names` says under which name each
stands, `clock` compares times that were read on the store's clock, `shared_store` is all of it
over one store. Nothing here decides when to fetch a token.
"""
