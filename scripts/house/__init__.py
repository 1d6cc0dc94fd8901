"""Programs that write files which are kept in the repository: reference pages, pictures, and the starter's customers."""
