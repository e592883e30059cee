"""Runs of the ledger as a page, tables and figures that can go into a paper."""
