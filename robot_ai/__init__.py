"""Offline Spanish ears, eyes and dialogue for an assistive robot: the part that runs on the robot.

Everything outside `robot_ai.nodes` is plain Python (NumPy arrays in, dataclasses out) and imports no ROS.
"""

__version__ = '0.1.0'
