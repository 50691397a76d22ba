"""The holdout rule: champion and candidates once, on bars that none was trained on."""
