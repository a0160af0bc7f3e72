"""Talks to an array with a client that was generated from its description.

client.py FOLDER URL: the package infinibox_client is in the folder.
"""

import base64
import importlib
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

sys.path.insert(0, sys.argv[1])

if TYPE_CHECKING:
    from infinibox_client import AuthenticatedClient, Client
    from infinibox_client.models import (
        NewHost, NewPool, NewVolume, PostHostsIdLunsBody, PostUsersLoginBody,
    )
else:
    from infinibox_client import AuthenticatedClient, Client
    from infinibox_client.models import (
        NewHost, NewPool, NewVolume, PostHostsIdLunsBody, PostUsersLoginBody,
    )

TERA = 1_000_000_000_000


def call(where: str, status: HTTPStatus, *args: Any, **named: Any) -> Any:
    """Makes a request and returns what its answer was parsed as."""
    answer = importlib.import_module("infinibox_client.api." + where).sync_detailed(*args, **named)
    assert answer.status_code == status, f"{where}: {answer.status_code} {answer.content!r}"
    assert answer.parsed is not None, where
    return answer.parsed


def work(client: "AuthenticatedClient | Client") -> None:
    """Makes a pool, a volume and a host, maps, lists, and takes all away."""
    pool = call(
        "pools.post_pools", HTTPStatus.CREATED, client=client,
        body=NewPool(name="generated", physical_capacity=TERA, virtual_capacity=TERA),
    ).result
    assert pool.name == "generated" and pool.virtual_capacity >= TERA
    volume = call(
        "volumes.post_volumes", HTTPStatus.CREATED, client=client,
        body=NewVolume(name="generated", pool_id=pool.id, size=TERA // 100, provtype="thin"),
    ).result
    host = call("hosts.post_hosts", HTTPStatus.CREATED, client=client, body=NewHost(name="generated")).result
    lun = call("hosts.post_hosts_id_luns", HTTPStatus.OK, host.id, client=client, body=PostHostsIdLunsBody(volume_id=volume.id)).result
    assert lun.volume_id == volume.id

    page = call("volumes.get_volumes", HTTPStatus.OK, client=client, pool_id=f"eq:{pool.id}")
    assert [v.id for v in page.result] == [volume.id] and page.metadata.number_of_objects == 1
    assert page.result[0].mapped is True

    refused = call("volumes.delete_volumes_id", HTTPStatus.CONFLICT, volume.id, client=client)
    assert refused.error.code == "VOLUME_IS_MAPPED", refused.error.code
    call("hosts.delete_hosts_id_luns_lun_lun", HTTPStatus.OK, host.id, str(lun.lun), client=client)
    call("hosts.delete_hosts_id", HTTPStatus.OK, host.id, client=client)
    call("volumes.delete_volumes_id", HTTPStatus.OK, volume.id, client=client, approved=True)
    call("pools.delete_pools_id", HTTPStatus.OK, pool.id, client=client, approved=True)
    gone = call("pools.get_pools_id", HTTPStatus.NOT_FOUND, pool.id, client=client)
    assert gone.error.code == "POOL_NOT_FOUND"


def main() -> None:
    """Works with Basic authentication, then with a session."""
    url = sys.argv[2]
    basic = base64.b64encode(b"admin:123456").decode()
    work(AuthenticatedClient(base_url=url, token=basic, prefix="Basic"))
    with Client(base_url=url) as session:
        who = call("default.post_users_login", HTTPStatus.OK, client=session, body=PostUsersLoginBody(username="admin", password="123456"))
        assert who.result.name == "admin"
        work(session)
        call("default.post_users_logout", HTTPStatus.OK, client=session)
        call("pools.get_pools", HTTPStatus.UNAUTHORIZED, client=session)


main()
