"""Recordings and e-books in, an aligned corpus out: fetch, prepare, align, review, corpus, measure."""
