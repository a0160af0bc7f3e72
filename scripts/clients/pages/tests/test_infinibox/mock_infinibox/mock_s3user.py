"""Users of an account."""
from tests.mocks.answers import many, one


def _user(ident, name):
    return {
        "id": ident, "name": name, "account_id": 20, "status": "ENABLED", "last_used": 1755415276048, "root": False,
        "description": None, "uid": 1000, "gid": 1000,
    }


MOCK_USER_CREATE = one(_user(23, "team-1"))
MOCK_USERS_GET = many(_user(24, "team-2"), _user(23, "team-1"))
