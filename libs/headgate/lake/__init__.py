"""The lake: Delta tables read by snapshot, written through one commit door, shown by release."""
