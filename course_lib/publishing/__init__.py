"""Around the lessons: running them all, making slides of them, and starting them elsewhere."""
