"""Random inputs for every parser of what others wrote, by the million; `make fuzz`."""
