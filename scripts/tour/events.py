"""Events: what happened on the array, and who is told of which part."""
from infinisim import Lab

with Lab() as lab:
    box = lab.arrays[0]
    system = box.sdk()

    # What is done on the array is an event, with a level and a code.
    last = system.events.get_last_event().id
    system.volumes.create(name="v", pool=system.pools.create())
    [made] = system.events.find(system.events.fields.id > last, code="VOLUME_CREATED").to_list()
    assert made.get_level() == "INFO" and "v" in made.get_description()
    assert system.events.get_levels() == ["INFO", "WARNING", "ERROR", "CRITICAL"]

    # A client adds events of its own; a tester those that no client can cause.
    custom = system.events.create_custom_event(level="WARNING", description="a backup took long")
    assert custom.get_code() == "CUSTOM_WARNING_EVENT"
    box.add_event("HOST_DOWN")
    assert system.events.get_last_event().get_code() == "HOST_DOWN"

    # A rule picks events by level or by code, and its target gets them: by mail, syslog or SNMP.
    target = system.notification_targets.create(
        name="log", protocol="SYSLOG", host="syslog.example.com", transport="UDP", facility="LOCAL0")
    rule = system.notification_rules.create(
        name="errors", event_level=["ERROR", "CRITICAL"], include_events=["HOST_DOWN"], exclude_events=[], target=target)
    assert rule.get_target() == target and rule.get_include_events() == ["HOST_DOWN"]
    target.test()
    print(f"{len(system.events.to_list())} events")
    rule.delete()
    target.delete()
