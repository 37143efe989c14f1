"""Whisper: weights of others in, a model of ours out."""
