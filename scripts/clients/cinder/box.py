"""A server of the harness's own, and its first array seen over REST.

Nothing here goes through the SDK: what a case asserts about the array must not
depend on the client that the case is about.
"""
import json
import os
import subprocess
import tempfile
import time

import requests

START_SECONDS = 60
END_SECONDS = 30
REQUEST_SECONDS = 60
PAGE = 1000
NOTHING = object()


class Refused(Exception):
    """Says that the array, or the control plane, did not grant a request of the harness's own."""

    def __init__(self, method, path, answer):
        try:
            code = answer.json()["error"]["code"]
        except (ValueError, KeyError, TypeError):
            code = answer.text[:80]
        super().__init__(f"{method} {path}: {answer.status_code} {code}")
        self.status = answer.status_code


class Server:
    """The program under test, from its start to its end."""

    def __init__(self, program):
        self.folder = tempfile.TemporaryDirectory(prefix="infinisim-cinder-")  # pylint: disable=consider-using-with
        ready = os.path.join(self.folder.name, "ready.json")
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [program, "serve", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--ready-file", ready, "--tls"],
            stdout=subprocess.DEVNULL)
        try:
            self.info = self._await(ready)
        except BaseException:
            self.close()
            raise

    def _await(self, ready):
        """Returns what the ready file says, once it says all of it."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with open(ready, encoding="utf-8") as file:
                    return json.load(file)
            except (FileNotFoundError, ValueError):
                pass
            if self.process.poll() is not None:
                raise RuntimeError("the server ended before it served")
            if time.monotonic() > deadline:
                raise RuntimeError("the server does not serve")
            time.sleep(0.01)

    def close(self):
        """Ends the server, by force if it does not end when asked."""
        self.process.terminate()
        try:
            self.process.wait(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()


class Box:
    """The first array of a server, which the driver is to reach over TLS or not."""

    def __init__(self, info, tls=False):
        array = info["arrays"][0]
        self.key, self.control, self.url = array["key"], info["control"], array["url"]
        self.username, self.password = array["username"], array["password"]
        host, port = array["https_url" if tls else "url"].partition("://")[2].rsplit(":", 1)
        self.address, self.tls = (host, int(port)), tls
        self.http = requests.Session()
        self.http.trust_env = False

    def _send(self, method, url, path, **keywords):
        """Sends a request and returns the whole answer, which must be a success in JSON."""
        answer = self.http.request(method, f"{url}/{path}", timeout=REQUEST_SECONDS, **keywords)
        if not answer.ok:
            raise Refused(method, path, answer)
        return answer.json()

    def call(self, method, path, body=NOTHING, **params):
        """Sends a request to the array and returns the envelope of the answer."""
        keywords = {} if body is NOTHING else {"json": body}
        if method != "GET":
            params["approved"] = "true"
        return self._send(method, f"{self.url}/api/rest", path, params=params, auth=(self.username, self.password), **keywords)

    def get(self, path, **params):
        """Returns the result of a GET."""
        return self.call("GET", path, **params)["result"]

    def post(self, path, body=NOTHING):
        """Returns the result of a POST."""
        return self.call("POST", path, body)["result"]

    def delete(self, path):
        """Returns the result of a DELETE."""
        return self.call("DELETE", path)["result"]

    def all(self, path, **filters):
        """Returns every object of a list, page by page."""
        params, found, page = {name: f"eq:{value}" for name, value in filters.items()}, [], 1
        while True:
            answer = self.call("GET", path, page=page, page_size=PAGE, **params)
            found += answer["result"]
            if not answer["result"] or len(found) >= answer["metadata"]["number_of_objects"]:
                return found
            page += 1

    def named(self, kind, name):
        """Returns the object of that name, or None."""
        found = self.all(kind, name=name)
        assert len(found) <= 1, f"{len(found)} {kind} are named {name}"
        assert all(one["name"] == name for one in found), f"{kind}: the filter by name found {found[0]['name']}, not {name}"
        return found[0] if found else None

    def the(self, kind, name):
        """Returns the object of that name, which must exist."""
        found = self.named(kind, name)
        assert found is not None, f"{kind}: nothing is named {name}"
        return found

    def metadata(self, identity):
        """Returns the metadata of an object as a dictionary."""
        items = self.all(f"metadata/{identity}")
        found = {item["key"]: item["value"] for item in items}
        assert len(found) == len(items), f"metadata of {identity}: a key is there twice"
        return found

    def census(self):
        """Returns the ids of what a driver can make."""
        return {kind: sorted(one["id"] for one in self.all(kind)) for kind in ("volumes", "cgs", "hosts")}

    def write(self, dataset, seed):
        """Is a host's write into a dataset; the seed stands for the content."""
        self._send("POST", f"{self.control}/_sim/v1", f"arrays/{self.key}/datasets/{dataset}/write",
                   json={"offset": 0, "length": 2 ** 20, "seed": seed})

    def digest(self, dataset):
        """Returns a proof of the content of a dataset."""
        return self._send("GET", f"{self.control}/_sim/v1", f"arrays/{self.key}/datasets/{dataset}/digest")["digest"]
