"""``python -m ssi.cli`` is the program ``ssi``, where its script is not on the path."""

from ssi.cli import main

main()
