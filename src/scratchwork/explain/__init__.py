"""A network's work shown: one row through forward, loss, backward and update, every equation with its numbers put in."""
