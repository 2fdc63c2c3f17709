"""What reviewers take away and sign: runs, releases, quality, personal data, evidence."""
