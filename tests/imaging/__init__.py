"""Colour: from what each pixel sees to images."""
