"""Values: what gradx knows of a type, and the operations on any value."""
