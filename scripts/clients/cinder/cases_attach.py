"""Cases on attachment and detachment, over iSCSI and over FC."""
import os
import platform
import socket
import threading

from bench import NETWORK, case, connector, equal, host_name, make_space, marks, portals, precondition, raises
from cinder import exception

THREAD_SECONDS = 60


def host_of(bench, port):
    """Returns the array's host of a port, which must have that port and no other."""
    host = bench.box.the("hosts", host_name(port))
    kind = "ISCSI" if port.startswith("iqn.") else "FC"
    ports = [(one["type"].upper(), one["address"].replace(":", "").lower()) for one in host["ports"]]
    equal(ports, [(kind, port.replace(":", "").lower())], f"ports of host {host['id']}")
    return host


def no_host(bench, *ports):
    """Asserts that the array has no host of these ports."""
    for port in ports:
        equal(bench.box.named("hosts", host_name(port)), None, f"the host of {port}")


def host_marks():
    """Returns the metadata that the driver puts on a host that it makes."""
    volume_marks = marks(type("Nothing", (), {"id": None, "name": None}))
    kept = {key: volume_marks[key] for key in ("system", "openstack_version", "host.created_by")}
    return kept | {"hostname": socket.gethostname(), "platform": platform.platform()}


@case
def attach_iscsi(bench):
    """A volume is mapped to a host of its initiator's, and the driver tells the way to it."""
    driver = bench.iscsi_driver()
    (volume, here, space) = (bench.volume(driver), connector(), bench.space)
    told = driver.initialize_connection(volume, here)
    host = host_of(bench, here["initiator"])
    lun = bench.mapped(bench.stored(volume)).get(host["id"])
    equal(list(bench.mapped(bench.stored(volume))), [host["id"]], "hosts of the volume")
    (data, ways, target) = (told["data"], portals(space), space["properties"]["iscsi_iqn"])
    equal(told["driver_volume_type"], "iscsi", "driver_volume_type")
    equal(data["target_portals"], ways, "target_portals")
    equal((data["target_iqns"], data["target_luns"]), ([target] * len(ways), [lun] * len(ways)), "targets and LUNs")
    equal((data["target_portal"], data["target_iqn"], data["target_lun"]), (ways[0], target, lun), "the first way")
    assert "auth_method" not in data, "the driver tells secrets that nobody asked for"


@case
def attach_iscsi_host_metadata(bench):
    """A host that the driver makes carries metadata."""
    driver = bench.iscsi_driver()
    (volume, here) = (bench.volume(driver), connector())
    driver.initialize_connection(volume, here)
    equal(bench.box.metadata(host_of(bench, here["initiator"])["id"]), host_marks(), "metadata")


@case
def attach_iscsi_again(bench):
    """A second attachment to the same host changes nothing."""
    driver = bench.iscsi_driver()
    (volume, here) = (bench.volume(driver), connector())
    first = bench.attached(driver, volume, here)
    before = bench.mapped(bench.stored(volume))
    equal(driver.initialize_connection(volume, here), first, "what the driver tells")
    equal(bench.mapped(bench.stored(volume)), before, "LUNs")


@case
def attach_iscsi_two_volumes(bench):
    """Two volumes on one host have two LUNs; the host stays until the second is detached."""
    driver = bench.iscsi_driver()
    (volumes, here) = ([bench.volume(driver), bench.volume(driver)], connector())
    luns = [driver.initialize_connection(volume, here)["data"]["target_lun"] for volume in volumes]
    host = host_of(bench, here["initiator"])
    equal([bench.mapped(bench.stored(volume)) for volume in volumes], [{host["id"]: lun} for lun in luns], "LUNs")
    driver.terminate_connection(volumes[0], here)
    equal(bench.mapped(bench.stored(volumes[0])), {}, "LUNs of the first volume")
    equal(bench.mapped(bench.stored(volumes[1])), {host["id"]: luns[1]}, "LUNs of the second volume")
    driver.terminate_connection(volumes[1], here)
    no_host(bench, here["initiator"])


@case
def attach_iscsi_two_hosts(bench):
    """A volume can be on two hosts, and leaves one without the other."""
    driver = bench.iscsi_driver()
    (volume, here, there) = (bench.volume(driver, multiattach=True), connector(), connector())
    luns = [driver.initialize_connection(volume, one)["data"]["target_lun"] for one in (here, there)]
    hosts = [host_of(bench, one["initiator"])["id"] for one in (here, there)]
    equal(bench.mapped(bench.stored(volume)), dict(zip(hosts, luns)), "LUNs")
    bench.cloud.attach(volume, here, there)
    equal(driver.terminate_connection(volume, here), True, "whether the volume is attached elsewhere")
    equal(bench.mapped(bench.stored(volume)), {hosts[1]: luns[1]}, "LUNs after a detachment")
    no_host(bench, here["initiator"])


@case
def attach_iscsi_at_once(bench):
    """Two back ends that attach to one new host at once wait for each other, and share the host."""
    drivers = [bench.iscsi_driver(), bench.iscsi_driver()]
    (volumes, here) = ([bench.volume(driver) for driver in drivers], connector())
    told = [None, None]

    def attach(number):
        try:
            told[number] = drivers[number].initialize_connection(volumes[number], here)["data"]["target_lun"]
        except Exception as error:  # pylint: disable=broad-exception-caught
            told[number] = error

    threads = [threading.Thread(target=attach, args=(number,), daemon=True) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(THREAD_SECONDS)
        assert not thread.is_alive(), "an attachment does not end"
    for one in told:
        if isinstance(one, Exception):
            raise one
    host = host_of(bench, here["initiator"])
    equal([bench.mapped(bench.stored(volume)) for volume in volumes], [{host["id"]: lun} for lun in told], "LUNs")
    assert os.listdir(bench.lab.locks), "no lock was taken"


def check_chap(bench, port, data, username):
    """Asserts that a host asks for the credentials that the driver tells, and keeps the secret to itself."""
    equal((data["auth_method"], data["auth_username"]), ("CHAP", username), "what the driver tells")
    host = host_of(bench, port)
    for field, want in (("security_method", "CHAP"), ("security_chap_inbound_username", username),
                        ("security_chap_has_inbound_secret", True)):
        equal(host[field], want, field)
    equal(host.get("security_chap_inbound_secret"), None, "the secret that is told")


@case
def attach_iscsi_chap(bench):
    """CHAP credentials of the configuration are put on the host."""
    driver = bench.iscsi_driver(use_chap_auth=True, chap_username="cinder-user", chap_password="cinder-secret-16")
    (volume, here) = (bench.volume(driver), connector())
    told = driver.initialize_connection(volume, here)["data"]
    equal(told["auth_password"], "cinder-secret-16", "the secret that the driver tells")
    check_chap(bench, here["initiator"], told, "cinder-user")
    driver.terminate_connection(volume, here)
    no_host(bench, here["initiator"])


@case
def attach_iscsi_chap_generated(bench):
    """CHAP credentials that the configuration leaves out are made up and put on the host."""
    driver = bench.iscsi_driver(use_chap_auth=True)
    (volume, here) = (bench.volume(driver), connector())
    told = driver.initialize_connection(volume, here)["data"]
    assert told["auth_username"] and told["auth_password"], "no credentials were made up"
    check_chap(bench, here["initiator"], told, told["auth_username"])


@case
def attach_iscsi_without_chap(bench):
    """A host of a back end without CHAP asks for no credentials."""
    driver = bench.iscsi_driver()
    (volume, here) = (bench.volume(driver), connector())
    driver.initialize_connection(volume, here)
    host = host_of(bench, here["initiator"])
    equal((host["security_method"], host["security_chap_has_inbound_secret"]), ("NONE", False), "security of the host")


@case
def attach_iscsi_two_spaces(bench):
    """Portals of all network spaces are told, and an address that is disabled is not."""
    with precondition("a network space with a disabled address"):
        (name, network) = ("cinder-iscsi-second", f"{NETWORK[:-1]}1")
        second = make_space(bench.box, name, network)
        bench.box.post(f"network/spaces/{second['id']}/ips/{network}.2/disable")
        second = bench.box.get(f"network/spaces/{second['id']}")
        equal(portals(second), [f"{network}.{number}:{second['properties']['iscsi_tcp_port']}" for number in (1, 3)], "portals")
    driver = bench.driver(infinidat_iscsi_netspaces=[bench.space["name"], name])
    (volume, here) = (bench.volume(driver), connector())
    data = driver.initialize_connection(volume, here)["data"]
    equal(data["target_portals"], portals(bench.space) + portals(second), "target_portals")
    host = host_of(bench, here["initiator"])
    equal(bench.mapped(bench.stored(volume)), {host["id"]: data["target_lun"]}, "LUNs")


@case
def attach_iscsi_missing_space(bench):
    """A network space that does not exist is an error of the driver's; the mapping was made before and stays."""
    driver = bench.driver(infinidat_iscsi_netspaces=["no-such-space"])
    (volume, here) = (bench.volume(driver), connector())
    raises(exception.VolumeDriverException, driver.initialize_connection, volume, here)
    equal(list(bench.mapped(bench.stored(volume))), [host_of(bench, here["initiator"])["id"]], "hosts of the volume")


@case
def attach_missing_volume(bench):
    """Attachment of a volume that is not there makes no host."""
    driver = bench.driver()
    (volume, here) = (bench.cloud.volume(), connector())
    raises(exception.VolumeNotFound, driver.initialize_connection, volume, here)
    no_host(bench, here["initiator"])


@case
def detach_iscsi(bench):
    """The last detachment takes the mapping and the host away, and frees the port."""
    driver = bench.iscsi_driver()
    (volume, here) = (bench.volume(driver), connector())
    bench.attached(driver, volume, here)
    host = host_of(bench, here["initiator"])
    driver.terminate_connection(volume, here)
    equal(bench.mapped(bench.stored(volume)), {}, "LUNs")
    bench.gone("hosts", host_name(here["initiator"]), host["id"])
    driver.initialize_connection(volume, here)
    equal(list(bench.mapped(bench.stored(volume))), [host_of(bench, here["initiator"])["id"]], "hosts after another attachment")


@case
def detach_iscsi_nothing_attached(bench):
    """Detachment from a host that is not there, or that does not have the volume, is quiet."""
    driver = bench.iscsi_driver()
    (volume, other, here) = (bench.volume(driver), bench.volume(driver), connector())
    driver.terminate_connection(volume, here)
    bench.attached(driver, other, here)
    before = bench.mapped(bench.stored(other))
    driver.terminate_connection(volume, here)
    equal(bench.mapped(bench.stored(other)), before, "LUNs of another volume")
    equal(bench.mapped(bench.stored(volume)), {}, "LUNs of the volume")


@case
def detach_iscsi_raced(bench):
    """Detachment is quiet too if the mapping goes after the driver found it."""
    driver = bench.iscsi_driver()
    (volume, here) = (bench.volume(driver), connector())
    bench.attached(driver, volume, here)
    host = host_of(bench, here["initiator"])
    lun = bench.mapped(bench.stored(volume))[host["id"]]
    hosts = driver._system.hosts  # pylint: disable=protected-access
    find = hosts.safe_get

    def find_then_lose(**search):
        found = find(**search)
        bench.box.delete(f"hosts/{host['id']}/luns/lun/{lun}")
        return found

    hosts.safe_get = find_then_lose
    driver.terminate_connection(volume, here)
    equal(bench.mapped(bench.stored(volume)), {}, "LUNs")
    bench.gone("hosts", host_name(here["initiator"]), host["id"])


@case
def detach_iscsi_attached_twice(bench):
    """A volume with two attachments on one host is detached by the last of them only."""
    driver = bench.iscsi_driver()
    (volume, here) = (bench.volume(driver, multiattach=True), connector())
    bench.attached(driver, volume, here)
    before = bench.mapped(bench.stored(volume))
    bench.cloud.attach(volume, here, here)
    equal(driver.terminate_connection(volume, here), True, "whether the volume is attached elsewhere")
    equal(bench.mapped(bench.stored(volume)), before, "LUNs")
    bench.cloud.attach(volume, here)
    driver.terminate_connection(volume, here)
    equal(bench.mapped(bench.stored(volume)), {}, "LUNs in the end")
    no_host(bench, here["initiator"])


@case
def force_detach_iscsi(bench):
    """Detachment without a connector takes the volume from every host, and other volumes from none."""
    driver = bench.iscsi_driver()
    (volume, other, hosts) = (bench.volume(driver), bench.volume(driver), [connector(), connector()])
    for one in hosts:
        bench.attached(driver, volume, one)
    bench.attached(driver, other, hosts[0])
    before = bench.mapped(bench.stored(other))
    driver.terminate_connection(volume, None)
    equal(bench.mapped(bench.stored(volume)), {}, "LUNs")
    equal(bench.mapped(bench.stored(other)), before, "LUNs of another volume")
    no_host(bench, hosts[1]["initiator"])


@case
def attach_snapshot_iscsi(bench):
    """A snapshot can be attached and detached as a volume can."""
    driver = bench.iscsi_driver()
    (volume, here) = (bench.volume(driver), connector())
    snapshot = bench.snapshot(driver, volume)
    lun = driver.initialize_connection_snapshot(snapshot, here)["data"]["target_lun"]
    host = host_of(bench, here["initiator"])
    equal(bench.mapped(bench.stored_snapshot(snapshot)), {host["id"]: lun}, "LUNs of the snapshot")
    equal(bench.mapped(bench.stored(volume)), {}, "LUNs of the volume")
    driver.terminate_connection_snapshot(snapshot, here)
    equal(bench.mapped(bench.stored_snapshot(snapshot)), {}, "LUNs of the snapshot in the end")
    no_host(bench, here["initiator"])


def targets(bench):
    """Returns the WWPNs of the FC ports that are up, in one spelling."""
    ports = [port for node in bench.box.get("components/nodes") for port in node["fc_ports"]]
    up = [port for port in ports if port["link_state"].lower() == "up" and port["state"] == "OK"]
    assert up, "no FC port of the array is up"
    return sorted(port["wwpn"].replace(":", "").lower() for port in up)


def check_targets(bench, here, data):
    """Asserts that each initiator was told the array's FC ports."""
    want = targets(bench)
    equal(sorted(data["target_wwn"]), want, "target_wwn")
    got = {initiator: sorted(found) for initiator, found in data["initiator_target_map"].items()}
    equal(got, {wwpn: want for wwpn in here["wwpns"]}, "initiator_target_map")


def fc_driver(bench):
    """Returns a driver that goes over FC."""
    return bench.driver(infinidat_storage_protocol="fc")


@case
def attach_fc(bench):
    """A volume is mapped to one host for each WWPN, and the driver tells the FC ports that are up."""
    driver = fc_driver(bench)
    (volume, here) = (bench.volume(driver), connector())
    told = driver.initialize_connection(volume, here)
    equal(told["driver_volume_type"], "fibre_channel", "driver_volume_type")
    hosts = [host_of(bench, wwpn)["id"] for wwpn in here["wwpns"]]
    luns = bench.mapped(bench.stored(volume))
    equal(sorted(luns), sorted(hosts), "hosts of the volume")
    equal(told["data"]["target_lun"], luns[hosts[-1]], "target_lun")
    check_targets(bench, here, told["data"])
    for host in hosts:
        equal(bench.box.metadata(host), host_marks(), "metadata of a host")


@case
def attach_fc_again(bench):
    """A second attachment to the same WWPNs changes nothing."""
    driver = fc_driver(bench)
    (volume, here) = (bench.volume(driver), connector())
    first = bench.attached(driver, volume, here)
    before = bench.mapped(bench.stored(volume))
    equal(driver.initialize_connection(volume, here), first, "what the driver tells")
    equal(bench.mapped(bench.stored(volume)), before, "LUNs")


@case
def detach_fc(bench):
    """Detachment over FC takes the mappings and the hosts of all WWPNs away."""
    driver = fc_driver(bench)
    (volume, here) = (bench.volume(driver), connector())
    bench.attached(driver, volume, here)
    driver.terminate_connection(volume, here)
    equal(bench.mapped(bench.stored(volume)), {}, "LUNs")
    no_host(bench, *here["wwpns"])


@case
def force_detach_fc(bench):
    """Detachment without a connector takes the volume from every host of FC, and leaves hosts of iSCSI alone."""
    (driver, other) = (fc_driver(bench), bench.iscsi_driver())
    (volume, here, there) = (bench.volume(driver), connector(), connector())
    bench.attached(driver, volume, here)
    bench.attached(other, volume, there)
    driver.terminate_connection(volume, None)
    no_host(bench, *here["wwpns"])
    equal(list(bench.mapped(bench.stored(volume))), [host_of(bench, there["initiator"])["id"]], "hosts of the volume")


@case
def attach_snapshot_fc(bench):
    """A snapshot can be attached and detached over FC too."""
    driver = fc_driver(bench)
    here = connector()
    snapshot = bench.snapshot(driver, bench.volume(driver))
    driver.initialize_connection_snapshot(snapshot, here)
    equal(sorted(bench.mapped(bench.stored_snapshot(snapshot))),
          sorted(host_of(bench, wwpn)["id"] for wwpn in here["wwpns"]), "hosts of the snapshot")
    driver.terminate_connection_snapshot(snapshot, here)
    equal(bench.mapped(bench.stored_snapshot(snapshot)), {}, "LUNs in the end")
    no_host(bench, *here["wwpns"])
