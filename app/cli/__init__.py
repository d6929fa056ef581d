"""The command line: parses, prints and answers by exit codes; what is done is done by the engine."""
