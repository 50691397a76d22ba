"""Several models of one house: a file names them; each has its night, its status and its row on one page."""
