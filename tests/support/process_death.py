"""The end of a process, as tests raise it inside a function."""


class Killed(BaseException):
    """The process ends at this point: no exception handler of the product runs, and nothing after this is done."""


class TaskKilled(Killed):
    """A function's process ends at this point; the stack answers its caller as Lambda does, with a timeout."""
