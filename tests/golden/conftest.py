"""The scripts that make golden vectors need PyTorch, which the tests do not install: they are not collected."""

collect_ignore_glob = ["make_*.py"]
