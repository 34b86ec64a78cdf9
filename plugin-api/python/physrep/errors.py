"""Errors of a method. The message stands in the method's row; any other exception does, too, with where it was raised."""


class ConfigError(Exception):
    """A value of the configuration is invalid: name the key, its value, and what is allowed."""

    kind = "config"


class Unsupported(Exception):
    """A valid request that the method cannot serve, such as a grid that it cannot cut into patches."""

    kind = "unsupported"


class WrongAnswer(Exception):
    """A method gave something else than its call is to give."""

    kind = "method"


class Diverged(Exception):
    """A loss or an embedding is not finite."""

    kind = "diverged"


class CheckpointError(Exception):
    """A state does not fit this session."""

    kind = "checkpoint"
