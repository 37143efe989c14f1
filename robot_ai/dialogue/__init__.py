"""Text and events to state and speech: a dialogue written as data, and the machine that follows it. No ROS."""
