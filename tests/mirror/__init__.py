"""Small stand-ins of every archive and checkpoint, in the exact format and layout, and their server on loopback."""
