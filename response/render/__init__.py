"""Every format of a report, made from its parts. No renderer knows a section, and no section knows a format."""
