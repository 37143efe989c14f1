"""Offline Spanish ears, eyes and dialogue for an assistive robot: the part that runs on the robot.

Everything outside `robot_ai.nodes` is plain Python (NumPy arrays in, dataclasses out) and imports no ROS.
"""
import os

# Before OpenCV is loaded: 200 kB of a picture may stand for a billion pixels, which are unpacked before anyone looks.
os.environ.setdefault('OPENCV_IO_MAX_IMAGE_PIXELS', '120000000')

__version__ = '0.1.0'
