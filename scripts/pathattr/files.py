"""A result's path that knows what belongs there. No torch."""


class File(str):
    """A path, with the `digest` of what belongs there (None: anything) and what is known `about` it: model, method, rows, ...

    The readers of `store` compare the digest by themselves, so a file that is opened by this path is checked.
    """

    digest: str | None
    about: dict

    def __new__(cls, path: str, digest: str | None = None, **about):
        file = super().__new__(cls, path)
        file.digest, file.about = digest, about
        return file

    def __getnewargs_ex__(self):
        return (str(self), self.digest), self.about

    def told(self, **about) -> "File":
        """The same file with more about it."""
        return File(str(self), self.digest, **{**self.about, **about})
