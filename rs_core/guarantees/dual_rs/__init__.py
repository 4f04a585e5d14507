"""Dual RS: a smoothed classifier picks sigma, and both answers are certified."""
