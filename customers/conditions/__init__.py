"""Conditions: a small, safe, SQL-like language about one customer.

vocabulary (what may be named) -> words (tokens and phrases) -> language (parse_condition) -> tree -> compile (SQL for either database).
Everything but compile, portable and instants does without SQLAlchemy, so that `contactflow check` starts fast.
"""
