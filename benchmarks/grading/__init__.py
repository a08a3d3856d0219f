"""Programs as students write them, right and with one mistake each, and what `scratchwork.grade` says about them."""
