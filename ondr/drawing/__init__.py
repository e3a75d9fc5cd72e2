"""Contact sheets: images with their labels drawn on them."""
