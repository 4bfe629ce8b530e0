"""The sources of settings: files, environment and arguments become one canonical tree.

Nothing here knows what a registration is or which plugins exist; see `tree` for the shape.
"""

from oauthreg._sources.locate import locate
from oauthreg._sources.read import Read, read
from oauthreg._sources.tree import Origin, Sourced, Tree, canonical

__all__ = ["Origin", "Read", "Sourced", "Tree", "canonical", "locate", "read"]
