"""Small helpers for all folders: errors, checks, threads, memory. No number is decided here."""
