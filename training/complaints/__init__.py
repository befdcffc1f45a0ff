"""Messages with what they are, and the fit of the weights in ``classifiers/judge.txt`` to them."""
