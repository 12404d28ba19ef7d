"""The page that lists secrets, for a person who looks at the API's address."""

from collections.abc import Iterable
from html import escape
from string import Template

from leger_secrets.domain.stored import SecretInfo
from leger_secrets.http.answers import Answer

STYLE_PATH = "/static/style.css"

STYLE = Answer(
    200,
    b"""\
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; font-family: system-ui, sans-serif; }
table { border-collapse: collapse; }
th, td { padding: .3rem 1.5rem .3rem 0; text-align: left; border-bottom: 1px solid #8884; }
""",
    "text/css; charset=utf-8",
)

_PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Secrets</title>
<link rel="stylesheet" href="$style">
</head>
<body>
<h1>Secrets</h1>
<table>
<tr><th>Name</th><th>Versions</th></tr>
$rows
</table>
</body>
</html>
""")


def of_infos(infos: Iterable[SecretInfo]) -> Answer:
    """Return the page: each secret and its versions, the active one in bold."""
    rows = "\n".join(f"<tr><td>{escape(i.name)}</td><td>{_versions(i)}</td></tr>" for i in infos)
    page = _PAGE.substitute(style=STYLE_PATH, rows=rows)
    return Answer(200, page.encode(), "text/html; charset=utf-8")


def _versions(info: SecretInfo) -> str:
    numbers = [version.number for version in info.versions]
    return ", ".join(f"<b>{n}</b>" if n == info.active else str(n) for n in numbers)
