"""Bytes from outside: pickles, torch files, archives, images, YAML. Nothing else in the package reads them."""
