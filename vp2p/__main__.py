"""``python -m vp2p`` is the same as ``vp2p``."""

from __future__ import annotations

from vp2p.cli.app import main

if __name__ == "__main__":
    main()
