"""The flow: its definition, its graph, its picture, one pure step, the outbox and the runner."""
