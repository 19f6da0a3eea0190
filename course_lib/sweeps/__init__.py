"""Sweeps over the knobs of fine-tuning: what is run, the runs themselves, and how to read them."""
