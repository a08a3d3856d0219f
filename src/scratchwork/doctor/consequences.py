"""Which findings are causes and which merely follow: one causal order for every diagnosis."""

DATA = ("SW1003", "SW104", "SW1001", "SW1002")
CODE = ("SW401", "SW1401", "SW402", "SW601", "SW1402", "SW1403")
DESIGN = ("SW902", "SW901", "SW905", "SW903", "SW904")
UNITS = ("SW101", "SW103", "SW102")
START = ("SW701", "SW703", "SW702")
ORDER: tuple[str, ...] = (
    *DATA,
    *CODE,
    *DESIGN,
    *UNITS,
    *START,
    *("SW1201", "SW1203", "SW1202"),  # at predict: nothing above in training explains them
    *("SW1303", "SW1302"),
    *("SW1102", "SW1101", "SW1601", "SW301", "SW302"),
    *("SW802", "SW1502", "SW1501", "SW201", "SW801"),
    *("SW1602", "SW1004", "SW501", "SW1301", "SW1603", "SW1604"),
)
"""Root causes before what follows from them: one order for every diagnosis."""

_FAULTS = frozenset({*DATA, *CODE, *DESIGN, *UNITS, *START}) - {"SW1401", "SW1402"}
_SLOW = frozenset({"SW1102", "SW1101", "SW1601", "SW301", "SW302"})
CONSEQUENCES: dict[str, frozenset[str]] = {
    "SW402": frozenset({"SW401", "SW1401"}),
    "SW1402": frozenset({"SW401", "SW402", "SW1401"}),
    "SW601": frozenset({"SW401", "SW402"}),
    "SW102": frozenset({"SW903"}),
    "SW301": _FAULTS - {"SW904"},
    "SW302": _FAULTS - {"SW904"} | {"SW1601"},
    "SW702": frozenset({"SW701"}),
    "SW703": frozenset({"SW101", "SW103"}),
    "SW201": _FAULTS | {"SW301", "SW1502", "SW1601"},
    "SW1502": _FAULTS | {"SW301"},
    "SW1501": _FAULTS | {"SW301", "SW1601", "SW802"},
    "SW801": _FAULTS | {"SW301", "SW1601"},
    "SW802": _FAULTS | {"SW301"},
    "SW501": _FAULTS | _SLOW | {"SW1602", "SW1502", "SW1501", "SW201", "SW801", "SW802", "SW1004"},
    "SW1602": _FAULTS | _SLOW | {"SW1502", "SW1501", "SW201", "SW801", "SW802"},
    "SW1601": frozenset({"SW701", "SW902"}),
    "SW1004": frozenset({"SW1002", "SW902"}),
    "SW1301": frozenset({"SW1101", "SW301", "SW1402", "SW1401"}),
    "SW1302": frozenset({"SW1303"}),
    "SW1603": _FAULTS | _SLOW | {"SW501", "SW1501"},
}
"""What each finding may merely follow from: where one of these is found too, the finding becomes a note."""
UNRELATED = "SW501 of the rows"
ROOT = "SW1602 as a cause"
HIDDEN = frozenset({"SW301", "SW302", "SW501", "SW801", "SW802", "SW1501", "SW1603"})
"""What comes of rows that contradict each other, and of dropout that leaves nothing."""
FUTILE = frozenset({"SW302", "SW1602", "SW1301", "SW1603"})
"""What comes of targets that do not follow from the inputs, whatever the network does."""
