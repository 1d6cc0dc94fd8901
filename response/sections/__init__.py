"""The chapters of a campaign's report, each the only place that knows its figures, tables, charts and sentences."""
