"""Small helpers of all folders: errors, checks, threads, memory. No number is decided here."""
