"""The one error of this package."""


class ClusterError(Exception):
    """Something a person can act on: the message says what is wrong and what to do, in one line."""
