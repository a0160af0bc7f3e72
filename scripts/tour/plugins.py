"""Plugins: programs beside the array that say that they are alive."""
from infinisim import Lab

with Lab() as lab:
    box = lab.arrays[0]
    box.set_feature("tenants", True)  # what arrays come with switched off
    system = box.sdk()
    plugin = system.plugins.create(
        type="VASA", name="vasa", version="1.0", api_redirect_suffix="vasa", management_url="https://vasa.example.com",
        max_sec_without_heartbeat=60)

    # Its heartbeat holds for so many seconds.
    now = int(lab.clock.now.timestamp() * 1000)
    plugin.update_last_heartbeat(now)
    assert plugin.is_heartbeat_valid(from_cache=False)
    lab.clock.advance("2m")
    assert not plugin.is_heartbeat_valid(from_cache=False)
    plugin.update_version("1.1")
    assert plugin.get_version() == "1.1"
    plugin.delete()
    print("its heart stopped")
