"""The cases of each family, and the function that runs one of them on either engine."""
