"""What makes the models of known types from the calls that a person writes: a module for each family."""
