"""`python -m francesante.probe`: the health check of the web container, exit code 0 when all is well."""

import os
import sys
import urllib.request
from urllib.parse import urlsplit


def main() -> int:
    """Ask the local web process for /sante/ under the portal's own name, which it would refuse to answer without."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{os.environ.get('PORT', '8000')}/sante/",
        headers={"Host": urlsplit(os.environ.get("PUBLIC_URL", "")).netloc or "localhost"},
    )
    try:
        with urllib.request.urlopen(request, timeout=8) as answer:  # noqa: S310 -- a fixed local address
            sys.stdout.write(answer.read().decode())
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
