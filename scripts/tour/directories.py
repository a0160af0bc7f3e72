"""Directories: users and groups that the array asks others for."""
from infinisim import Lab

with Lab() as lab:
    system = lab.arrays[0].sdk()

    # LDAP repositories give administrators their roles; they are asked in an order.
    names = ("first", "second")
    first, second = (
        system.ldap_configs.define_open_ldap(
            name=name, bind_username="cn=admin", bind_password="x", servers=[f"{name}.example.com"], domain_name=f"{name}.example.com")
        for name in names)
    first.create_group("storage", dn="cn=storage,dc=example,dc=com", role="ADMIN")
    system.ldap_configs.set_order([second, first])
    assert [each.get_name() for each in sorted(system.ldap_configs, key=lambda each: each.get_search_order())] == ["second", "first"]
    second.modify(use_ldaps=True)
    second.test()
    system.ldap_configs.flush_cache()

    # An identity provider signs them on instead.
    provider = system.sso_identity_providers.create(name="sso", issuer="https://sso.example.com", sign_on_url="https://sso.example.com/on")
    provider.enable()
    assert provider.is_enabled()

    # An Active Directory domain knows the clients of SMB.
    space = system.network_spaces.create(
        name="nas", service="NAS_SERVICE", interfaces=[system.network_interfaces.create(node_id=node) for node in (1, 2, 3)],
        network_config={"network": "10.7.0.0", "netmask": 24, "default_gateway": "10.7.0.254"})
    space.add_ip_address("10.7.0.1")
    assert system.active_directory_domains.get() is None
    joined = system.active_directory_domains.create(domain="corp.example.com", username="administrator", password="x")
    print(f"joined: {joined}")
    system.active_directory_domains.leave(username="administrator", password="x")
    assert system.active_directory_domains.get() is None
