"""Fixtures of the training tests: the shared data, and a quiet TensorFlow on few threads."""
import os

from shared_data_fixture import shared_data  # noqa: F401

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('KERAS_BACKEND', 'tensorflow')
