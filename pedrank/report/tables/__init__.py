"""One file per table, and one file per format: HTML, LaTeX and Markdown."""
