"""Audio to text: PCM in, transcripts with word times out. No ROS, no TensorFlow."""
