"""Compare a stateful class run serially with the same class as Ray actors."""
