"""Tests of the layer `catalogue`."""
