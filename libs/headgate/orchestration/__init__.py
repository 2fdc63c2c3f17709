"""What runs when: run order, the run itself, and dbt under the gate."""
