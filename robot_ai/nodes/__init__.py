"""ROS 2 shells, one file a node: convert messages, declare parameters, publish; nothing else imports rclpy."""
