"""Getting datasets onto this machine: download, check, unpack, put in place."""
