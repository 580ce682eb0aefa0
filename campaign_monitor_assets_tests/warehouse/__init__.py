"""Tests of the layer `warehouse`."""
