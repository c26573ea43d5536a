"""Slow second versions, written from the papers' equations, one image, one pixel at a time. They share no code with the
library; random draws are part of its interface, so they take the image's own generators."""
