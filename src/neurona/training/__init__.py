"""Training: the loop, the batches it walks over, the callbacks it tells, and the lint that looks first."""
