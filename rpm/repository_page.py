"""The repository's page for people: how to add it, by which key, and every package in it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from repository_metadata import Package
from signing import PublicKey

SITE = "https://pkgs.leger.run"

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>leger packages: stable</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif }}
body {{ max-width: 60rem; margin: 3rem auto; padding: 0 1rem }}
pre, code, td.sum {{ font-family: ui-monospace, monospace; font-size: .875em }}
code {{ white-space: nowrap }}
pre {{ padding: .75rem 1rem; overflow-x: auto; background: #8881; border-radius: .25rem }}
h2 {{ margin-top: 2.5rem }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; padding: .375rem 1rem .375rem 0; border-top: 1px solid #8884 }}
td.sum {{ word-break: break-all; opacity: .75 }}
td.size {{ white-space: nowrap }}
</style>
<h1>leger packages</h1>
<p>The stable track, for Fedora on x86-64. Every package and the list of them are signed.</p>

<h2>Fedora 41 and newer</h2>
<pre>sudo dnf config-manager addrepo --from-repofile={site}/fedora/leger.repo
sudo dnf install leger</pre>

<h2>With dnf 4</h2>
<pre>sudo dnf config-manager --add-repo {site}/fedora/leger.repo
sudo dnf install leger</pre>

<h2>The key</h2>
<p>Before dnf takes the <a href="fedora/repo.gpg">key</a> it shows a fingerprint. It must be
{shown}.</p>
<p>That is of the part that signs; the key as a whole, as GnuPG knows it, is
{whole}.</p>
<p>To check a package that you fetched yourself:</p>
<pre>curl -fO {site}/fedora/repo.gpg
gpg --show-keys repo.gpg
sudo rpmkeys --import repo.gpg
rpmkeys --checksig --verbose leger-*.rpm</pre>

<h2>Packages</h2>
<table>
<tr><th>package<th>built<th>size<th>SHA-256
{rows}
</table>
</html>
"""
_ROW = (
    '<tr><td><a href="fedora/x86_64/{href}">{name} {version}</a> {arch}'
    '<td>{built}<td class="size">{size}<td class="sum">{sha256}'
)


def render(packages: Sequence[Package], *, keys: Sequence[PublicKey]) -> str:
    """Return the page of a repository with these packages, in this order, and these keys."""
    signing = [fingerprint for key in keys for fingerprint in key.signing]
    return _PAGE.format(
        site=SITE,
        shown=_either(signing),
        whole=_either([key.fingerprint for key in keys]),
        rows="\n".join(_row(package) for package in packages),
    )


def grouped(fingerprint: str) -> str:
    """Return a fingerprint in groups of four digits, as GnuPG prints it for people."""
    return " ".join(fingerprint[start : start + 4] for start in range(0, len(fingerprint), 4))


def _either(fingerprints: Sequence[str]) -> str:
    return ", or\n".join(f"<code>{grouped(fingerprint)}</code>" for fingerprint in fingerprints)


def _row(package: Package) -> str:
    return _ROW.format(
        href=escape(package.file),
        name=escape(package.name),
        version=escape(package.version),
        arch=escape(package.arch),
        built=datetime.fromtimestamp(package.built, UTC).date().isoformat(),
        size=f"{package.size / 1e6:.1f} MB" if package.size >= 1e5 else f"{package.size} B",
        sha256=escape(package.sha256),
    )
