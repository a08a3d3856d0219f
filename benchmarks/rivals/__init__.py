"""What the compiled path is measured beside: one file of training sides, one of single-row predictions, and the turns."""
