"""The room of the portal: pages for reviewers and owners, made from what the other rooms know."""
