"""Reading a flow: YAML with positions, values as people write them, every fault at once."""
