"""Makes a checkout ready to be built as a release: `python .ci/release.py TAG URL`.

The tag, the version and the changelog have to agree. What only a published package needs is
written into the checkout: the URLs of its repository, and links of the README that lead there.
"""

import re
import sys
from pathlib import Path

VERSION = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|#)([^)]+)\)")


def version_of(root: Path) -> str:
    """The version of the package, as the source says."""
    found = VERSION.search((root / "campaign_monitor_assets/__init__.py").read_text("utf-8"))
    if not found:
        raise SystemExit('campaign_monitor_assets/__init__.py has no line __version__ = "…".')
    return found[1]


def require_agreement(root: Path, tag: str) -> None:
    """Ends where the tag isn't the version's, or the changelog doesn't know the version."""
    version = version_of(root)
    if tag != f"v{version}":
        raise SystemExit(f"The tag {tag} is not v{version}, as __version__ says. Tag v{version}.")
    changelog = (root / "CHANGELOG.md").read_text("utf-8")
    if not re.search(
        rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE
    ):
        raise SystemExit(f"CHANGELOG.md has no heading '## [{version}] - YYYY-MM-DD'. Write it.")


def name_repository(root: Path, tag: str, url: str) -> None:
    """Writes the repository's URLs into setup.cfg and README.md."""
    setup, readme = root / "setup.cfg", root / "README.md"
    urls = {
        "Documentation": f"{url}/tree/{tag}/docs",
        "Source": url,
        "Changelog": f"{url}/blob/{tag}/CHANGELOG.md",
        "Issues": f"{url}/issues",
    }
    lines = "".join(f"\n    {name} = {link}" for name, link in urls.items())
    text = setup.read_text("utf-8")
    setup.write_text(text.replace("project_urls =", f"project_urls ={lines}", 1), "utf-8")

    def absolute(found: re.Match[str]) -> str:
        # A page shows a picture by its bytes, and any other file as its host shows it.
        kind = "raw" if found[1].endswith(".png") else "blob"
        return f"]({url}/{kind}/{tag}/{found[1]})"

    readme.write_text(LINK.sub(absolute, readme.read_text("utf-8")), "utf-8")


def main() -> None:
    """Does both in the working folder."""
    [tag, url] = sys.argv[1:]
    require_agreement(Path.cwd(), tag)
    name_repository(Path.cwd(), tag, url)


if __name__ == "__main__":
    main()
