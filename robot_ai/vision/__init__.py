"""Image or strokes to LaTeX: grey images in, symbols and expressions out. No ROS, no TensorFlow."""
