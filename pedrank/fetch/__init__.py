"""Files over HTTP: whole, checked, and fetched once. Reading their content: `formats/`."""
