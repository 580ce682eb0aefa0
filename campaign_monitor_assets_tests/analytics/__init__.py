"""Tests of the layer `analytics`."""
