"""Settings: canonical tree and plugins in, typed registrations or every problem out."""
