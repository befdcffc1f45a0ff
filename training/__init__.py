"""How the learned judge of ``classifiers/judge.txt`` is fitted and measured. It is no part of the wheel."""
