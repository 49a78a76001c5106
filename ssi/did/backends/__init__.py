"""Where witnesses keep their copies of logs, and where registries on chains are read and written."""
