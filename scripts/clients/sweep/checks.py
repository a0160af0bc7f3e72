"""What is tried of each type of object, by what InfiniSDK's field tables say of it."""
import itertools
from datetime import timedelta

import arrow
import capacity
from infinisdk.core.api.special_values import SpecialValue
from infinisdk.core.exceptions import APICommandFailed
from infinisdk.core.system_object import BaseSystemObject

_count = itertools.count(1)


def visible(system, field, without):
    """Whether the array is to have the field, and it is not left out."""
    return not field.hidden and field.name not in without and system.is_field_supported(field)


def value_of(thing, field):
    """The field as the array has it now."""
    return thing.get_field(field.name, from_cache=False)


def simple(value):
    """Whether a value can stand in a filter."""
    return isinstance(value, (bool, int, float, str, capacity.Capacity, arrow.Arrow, timedelta, BaseSystemObject)) and value != ""


def check_absent(system, object_type):
    """The release has no such objects, and says so."""
    answer = system.api.get(object_type.get_url_path(system), assert_success=False)
    assert answer.status_code == 404, f"a release without them answers {answer.status_code}"


def check_list(binder, thing, without=frozenset()):
    """List, count, pages, one by its id."""
    listed = [o.id for o in binder.to_list()]
    assert thing.id in listed, "the object is not listed"
    assert len(listed) == binder.count(), "count differs from the list"
    paged = [o.id for o in binder.find().page_size(1)]
    assert sorted(map(str, paged)) == sorted(map(str, listed)), "pages of one differ from the list"
    assert binder.get_by_id(thing.id) == thing, "get_by_id finds another"
    if hasattr(binder, "get_by_address") and "get_by_address" not in without:
        try:
            found = binder.get_by_address(thing.id)
        except Exception as e:  # pylint: disable=broad-except
            raise AssertionError(f"get_by_address: {type(e).__name__}: {e}") from e
        assert found == thing, "get_by_address finds another"


def check_filter(binder, thing, without=frozenset()):
    """Every filterable field finds the object by its value, and leaves it out by another."""
    for field in binder.fields:
        if not field.is_filterable or not visible(thing.system, field, without):
            continue
        value = value_of(thing, field)
        while simple(value):
            wrong = misfound(binder, thing, field, value)
            before, value = value, value_of(thing, field)
            if value == before:  # else it changed by itself meanwhile, as a replica's times do
                assert not wrong, wrong
                break


def misfound(binder, thing, field, value):
    """What is wrong with what a field's filters find, None for nothing."""
    try:
        found = [o.id for o in binder.find(field == value)]
        others = [o.id for o in binder.find(field != value)]
    except APICommandFailed as e:
        raise AssertionError(f"{field.name}: {e.message}") from e
    if thing.id not in found:
        return f"{field.name}={value!r} does not find it"
    if thing.id in others:
        return f"{field.name}!={value!r} finds it"
    return None


def check_sort(binder, thing, without=frozenset()):
    """Every sortable field orders the list, up and down."""
    count = binder.count()
    for field in binder.fields:
        if not field.is_sortable or not visible(thing.system, field, without):
            continue
        try:
            up = binder.find().sort(+field).to_list()
            down = binder.find().sort(-field).to_list()
        except APICommandFailed as e:
            raise AssertionError(f"{field.name}: {e.message}") from e
        assert len(up) == len(down) == count, f"{field.name}: sorting changes the number of objects"
        numbers = [v for v in (value_of(o, field) for o in up) if isinstance(v, (int, capacity.Capacity, arrow.Arrow, timedelta)) and not isinstance(v, bool)]
        assert numbers == sorted(numbers), f"{field.name}: {numbers} is not in order"


def check_getters(binder, thing, without=frozenset()):
    """Every field can be read, by itself and with all others."""
    for field in binder.fields:
        if not visible(thing.system, field, without):
            continue
        try:
            value_of(thing, field)
        except Exception as e:  # pylint: disable=broad-except
            raise AssertionError(f"{field.name}: {type(e).__name__}: {e}") from e
    if not without:
        thing.get_fields(from_cache=False)


def other(field, value):
    """A legal value of a field besides the one it has, None for none that the type tells."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, capacity.Capacity):
        return value * 2
    if isinstance(value, timedelta):
        return value + timedelta(seconds=20)  # an interval stays below the RPO
    if isinstance(value, int) and field.name not in ("tenant",):
        return value + 1
    if isinstance(value, str) and field.name in ("name", "email", "description", "suffix", "host"):
        return f"changed-{next(_count)}"
    return None


def check_update(binder, thing, without=frozenset()):
    """Every mutable field whose type tells a legal value can be changed and is read back."""
    for field in binder.fields:
        if not field.mutable or not visible(thing.system, field, without):
            continue
        was = value_of(thing, field)
        new = other(field, was)
        if new is None or isinstance(new, SpecialValue):
            continue
        try:
            thing.update_field(field.name, new)
        except APICommandFailed as e:
            raise AssertionError(f"{field.name}={new!r}: {e.message}") from e
        got = value_of(thing, field)
        assert got == new, f"{field.name}: {got!r}, not {new!r}"
        if isinstance(was, bool):
            thing.update_field(field.name, was)


def remove(binder, thing):
    """Deletes a thing; of a lock an administrator can only break it."""
    if hasattr(binder, "break_locks"):
        binder.break_locks(lock=thing)
    else:
        thing.delete()


def check_delete(binder, thing, without=frozenset()):  # pylint: disable=unused-argument
    """It goes, and stays gone."""
    remove(binder, thing)
    assert not thing.is_in_system(), "it is still there"
    try:
        remove(binder, thing)
    except APICommandFailed as e:
        assert e.status_code == 404, f"a second delete answers {e.status_code}"
    else:
        raise AssertionError("a second delete succeeds")
    assert thing.id not in [o.id for o in binder.to_list()], "it is still listed"


READS = (("list", check_list), ("filter", check_filter), ("sort", check_sort), ("getters", check_getters))
UPDATE, DELETE = ("update", check_update), ("delete", check_delete)


def reason(error):
    """An exception in a line."""
    if isinstance(error, APICommandFailed):
        return f"{error.status_code} {error.error_code}: {error.message}"
    return f"{type(error).__name__}: {error}"


def run_excused(record, collection, tried, binder, thing, excuses):
    """Runs checks, each without what it is excused for, and sees that every excuse is needed."""
    for name, check in tried:
        held = [e for e in excuses if e.collection == collection and name in e.cases]
        without = frozenset(e.what for e in held)
        for excuse in held:
            told = failure(check, binder, thing, without - {excuse.what})
            case = f"{collection}.{name} {excuse.what}"
            if told is not None and excuse.what in told:
                record(case, None, excuse.reason)
            else:
                record(case, False, f"excused ({excuse.reason}), but {told or 'it works'}")
        run(record, collection, ((name, check),), binder, thing, without)


def failure(check, *given):
    """Why a check fails, None if it does not."""
    try:
        check(*given)
    except Exception as e:  # pylint: disable=broad-except
        return reason(e)
    return None


def run(record, subject, tried, *given):
    """Runs checks and records each."""
    for name, check in tried:
        told = failure(check, *given)
        record(f"{subject}.{name}", told is None, told or "")
