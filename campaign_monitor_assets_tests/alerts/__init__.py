"""Tests of the layer `alerts`."""
