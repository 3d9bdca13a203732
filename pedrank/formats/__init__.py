"""Bytes from outside: pickles, torch files, archives, images, CSV, YAML. No other folder reads them."""
