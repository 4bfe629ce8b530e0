"""Settings as they are said: files, environment and arguments become one canonical tree.

Nothing here knows what a registration is or which plugins exist; see `tree` for the shape.
"""

from oauthreg.sources.locate import locate
from oauthreg.sources.read import Read, read
from oauthreg.sources.tree import Origin, Sourced, Tree, canonical

__all__ = ["Origin", "Read", "Sourced", "Tree", "canonical", "locate", "read"]
