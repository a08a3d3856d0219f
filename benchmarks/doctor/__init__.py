"""The corpus that the training doctor is measured on: runs with one fault each, and healthy runs that tempt it."""
