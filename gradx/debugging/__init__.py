"""Finding mistakes: runs that check themselves, and the graph and the cost of a run, to look at."""
