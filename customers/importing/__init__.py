"""Importing customers, purchases and contacts from CSV: read, understood, cleaned, written, and every loss told.

layout      encoding, delimiter      -> reader    rows in batches, with the lines they stand on
mapping     the YAML as written      -> plan      which column feeds which field, told to the user
cleaning/   a cell's text            -> its value, or the problem with it
subjects    what can be imported     -> people, purchases, contacts: write one batch
run         all of it, one transaction a batch
"""
