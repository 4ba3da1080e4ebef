"""Who is behind the numbers that Label Studio gives its users."""

from connectors.label_studio_api import LabelStudioApi


class People:
    """The e-mail addresses of a server's users, asked for when somebody unknown appears."""

    def __init__(self, api: LabelStudioApi) -> None:
        self._api = api
        self._addresses: dict[str, str] = {}

    def address(self, user: str) -> str:
        """A user's address by number; the number itself where the server knows of no such user. Raises
        AnnotatorError."""
        if user not in self._addresses:
            users = self._api.ask(lambda client: list(client.users.list()))
            self._addresses |= {user: user} | {str(u.id): str(u.email) for u in users}
        return self._addresses[user]
