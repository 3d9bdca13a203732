"""Files over HTTP: whole, checked, and never twice. Reading what they contain: `formats/`."""
