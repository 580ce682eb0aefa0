"""Tests of the layer `sandbox`."""
