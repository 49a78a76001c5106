"""Wire protocols as values: ``parse_`` reads a request, ``build_`` makes a response; one version per module."""
