"""Why a registration is as it is, as data: `oauthreg explain` prints it."""
