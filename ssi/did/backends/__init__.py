"""Where witnesses keep their copies of logs."""
