reply error
