"""Kills, power cuts, full disks, hostile input, many writers: what must hold all the same."""
