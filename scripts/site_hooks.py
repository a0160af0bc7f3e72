"""What mkdocs does besides, to build the manual: see mkdocs.yml."""

import logging
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
log = logging.getLogger("mkdocs.hooks.infinisim")


def on_config(config):
    """Leaves out of the navigation what is not there, and puts in the pages of folders."""
    config["nav"] = [entry for entry in map(present, config["nav"]) if entry]
    return config


def present(entry):
    """Returns an entry of the navigation as far as its pages are there."""
    [(title, where)] = entry.items()
    if isinstance(where, list):
        below = [each for each in map(present, where) if each]
        return {title: below} if below else None
    path = os.path.join(ROOT, "docs", where)
    if where.endswith("/"):
        pages = sorted(os.listdir(path)) if os.path.isdir(path) else []
        return {title: [where + page for page in pages if page.endswith(".md")]} if pages else None
    return entry if os.path.exists(path) else None


def on_page_markdown(markdown, page, **_):
    """Shows files of the repository, which the site does not have, by their names alone."""

    def named(link):
        path = os.path.normpath(os.path.join(ROOT, "docs", os.path.dirname(page.file.src_uri), link[2].split("#")[0]))
        if not os.path.exists(path):
            log.warning("%s names %s, which is not there", page.file.src_uri, link[2])
        return link[1] if link[1].startswith("`") else f"{link[1]} (`{os.path.relpath(path, ROOT)}`)"

    up = "../" * (page.file.src_uri.count("/") + 1)
    return re.sub(rf"\[([^\]]+)\]\(({re.escape(up)}(?!\.)[^)]+)\)", named, markdown)
