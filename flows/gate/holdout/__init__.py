"""The holdout rule judges champion and candidates once, on bars that none was trained on."""
