"""HTML pages: the report of a study and the report of a ranking; their layout is in templates/."""
