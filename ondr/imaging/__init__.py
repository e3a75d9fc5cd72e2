"""Colour: from what each pixel sees to images as a camera would deliver them."""
