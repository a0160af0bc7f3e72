"""Credentials of a user."""
from tests.mocks.answers import many, one


def _credential(ident, key):
    return {
        "id": ident, "user_id": 41, "access_key": key, "status": "ENABLED", "last_used": 1740031467773, "description": None,
    }


MOCK_CREDENTIAL_CREATE = one(_credential(41, "AKIAEXAMPLE"))
MOCK_CREDENTIALS_GET = many(_credential(41, "AKIAEXAMPLE1"), _credential(42, "AKIAEXAMPLE2"))
