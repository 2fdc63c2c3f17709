"""What somebody does from a page: waiving and replaying refused rows, on record before it is done."""
