"""What is asked before a database is made, copied or salvaged."""
