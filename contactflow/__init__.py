"""The application: command line, settings, bootstrap and migrations. The only builder of objects."""
