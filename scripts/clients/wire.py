"""Which way InfiniSDK's requests go, in this process: seen as they go out."""
from urllib.parse import urlsplit

import gossip

SESSIONS = "api_auth_sessions"  # the feature of an array for which InfiniSDK takes a session; Basic authentication without it
BEFORE_SESSION = {"_features", "system"}  # what the client asks before it knows that the array has sessions


class Wire:
    """The schemes of the requests, and the paths of those with and without Basic authentication."""

    def __init__(self):
        self.schemes, self.signed, self.unsigned = set(), set(), set()
        gossip.register(self._see, "infinidat.sdk.before_api_request")

    def _see(self, request):
        url = urlsplit(request.url)
        self.schemes.add(url.scheme)
        (self.signed if "Authorization" in request.headers else self.unsigned).add(url.path.removeprefix("/api/rest/"))

    def check(self, tls, basic):
        """The requests went the way that was asked for; before a session the client only asks for the features and the version."""
        assert self.schemes == {"https" if tls else "http"}, f"requests went over {self.schemes}"
        if basic:
            assert self.signed and not self.unsigned, f"without Basic authentication: {self.unsigned}"
        else:
            assert self.signed <= BEFORE_SESSION and self.unsigned, f"with Basic authentication: {self.signed}"
