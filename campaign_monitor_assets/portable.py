"""Errors that processes hand to one another, as pools of them do."""


class PortableError(Exception):
    """An error that goes from one process to another as it is.

    Exception's own way makes it anew from its text, as if that were what its class asks for: what
    waits for the other process would end by a TypeError, or be told nothing.
    """

    def __reduce__(self) -> tuple[object, ...]:
        """How it is pickled."""
        return _made_again, (type(self), self.args), self.__dict__


def _made_again(kind: type[Exception], args: tuple[object, ...]) -> Exception:
    return kind.__new__(kind, *args)
