"""The array's envelope around a result."""


def one(result):
    """An object."""
    return {"result": result, "error": None, "metadata": {"ready": True}}


def many(*items):
    """A page of objects."""
    return {"result": list(items), "error": None, "metadata": {
        "ready": True, "number_of_objects": len(items), "page_size": 50, "pages_total": 1, "page": 1}}
