"""Named, switchable misbehaviour for drills and tests (contract faults.md §§1-2)."""
